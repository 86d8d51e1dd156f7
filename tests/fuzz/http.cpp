// A request's head, its fields, and a body in chunks: refused or understood, and the same however
// the bytes are cut.
#include "services/http/date.hpp"
#include "services/http/head.hpp"
#include "services/http/select.hpp"
#include "services/http/skip_body.hpp"
#include "tests/fuzz/input.hpp"

#include <algorithm>
#include <string>

using namespace instar;
using namespace instar::fuzz;

namespace {

constexpr http::head_limits limits{4096, 1024, 65536};

void check_head(std::string_view text) {
  const auto end = text.find("\r\n\r\n");
  if (end == std::string_view::npos) {
    http::refuse_early(text, text.size(), limits);
    return;
  }
  const auto head = http::parse_head(text.substr(0, end + 4), limits);
  const auto status = head.line.refused;
  require(status == 0 || (status >= 400 && status <= 505), "a refusal has a status");
  require(status != 0 || head.target.starts_with('/'), "what is served begins with a slash");
  if (status != 0) return;
  auto asked = http::request::make({}, head.line, head.target, head.fields.all());
  require(asked->target() == head.target, "the target is kept");
  for (const auto& one : head.fields.all())
    require(asked->has(one.which), "what was noted is there");
  http::prefers_gzip(*asked);
  http::parse_date(asked->find(http::field::if_modified_since));
  http::response answer({}, head.line);
  answer.asked = std::move(asked);
  answer.modified = 784111777;
  answer.content_length = answer.complete_length = 1000;
  http::range_list parts;
  http::select(answer, parts, 500);
  std::uint64_t total = 0;
  for (const auto& one : parts.parts()) {
    require(one.size > 0 && one.first < 1000 && one.size <= 1000 - one.first,
            "a part is inside of the whole");
    total += one.size;
  }
  require(total <= 1000, "parts are not more than the whole");
}

struct skipped {
  http::body_skipper::progress how = http::body_skipper::progress::open;
  std::size_t used = 0;

  bool operator==(const skipped&) const = default;
};

skipped skip(std::string_view all, std::size_t piece) {
  http::body_skipper tested;
  tested.begin_chunked(1000);
  skipped made;
  while (made.used < all.size() && made.how == http::body_skipper::progress::open) {
    auto text = all.substr(made.used, piece);
    const auto before = text.size();
    made.how = tested.skip(text);
    made.used += before - text.size();
    if (made.how != http::body_skipper::progress::open) break;
    http::body_skipper next;
    require(next.resume(tested.where()), "any position can be handed over");
    tested = next;
  }
  return made;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  input all(data, size);
  const auto piece = std::max<std::size_t>(1, all.number());
  const auto text = all.text(size);
  check_head(text);
  const auto whole = skip(text, text.size() + 1), pieces = skip(text, piece);
  require(whole == pieces, "pieces make no difference");
  return 0;
}
