// The answer of an upstream server: refused or understood, the same however the bytes are cut and
// whoever goes on with them; and what is passed on of its head, and of a request's, stays in form.
#include "services/http/head.hpp"
#include "services/proxy/answer_reader.hpp"
#include "services/proxy/exchange.hpp"
#include "tests/fuzz/input.hpp"

#include <algorithm>
#include <string>

using namespace instar;
using namespace instar::fuzz;

namespace {

using progress = proxy::answer_reader::progress;
constexpr proxy::answer_limits limits{2048, 4096};

struct seen {
  progress how = progress::open;
  std::size_t used = 0;
  std::uint16_t status = 0;
  std::string body;

  bool operator==(const seen&) const = default;
};

/// Whole lines, each with a name, and none that begins the body.
void check_fields(std::string_view fields) {
  require(fields.ends_with("\r\n"), "the fields end with a line end");
  require(fields.find("\r\n\r\n") == fields.npos, "the fields do not end the head");
  for (std::size_t at = 0; at < fields.size();) {
    const auto end = fields.find("\r\n", at);
    const auto line = fields.substr(at, end - at);
    require(line.find_first_of(std::string_view("\r\n\0", 3)) == line.npos, "a line is one line");
    at = end + 2;
  }
}

seen read(std::string_view all, std::size_t piece, bool head_only) {
  seen made;
  auto spooled = make_payload<proxy::spool>(1 << 20, "/tmp");
  auto tested = proxy::answer_reader(head_only, spooled);
  while (made.used < all.size() && made.how == progress::open) {
    auto text = all.substr(made.used, piece);
    const auto before = text.size();
    made.how = tested.read(text, limits);
    made.used += before - text.size();
    if (made.how != progress::open) break;
    proxy::answer_reader next(head_only, spooled);
    require(next.resume(tested.where(), tested.head(), limits), "any position can be handed over");
    tested = next;
  }
  if (made.how == progress::open) made.how = tested.end();
  // How much was looked at of what is refused is nobody's business.
  if (made.how != progress::complete) return {made.how, 0, 0, {}};
  const auto answer = tested.take();
  made.status = answer->status;
  require(made.status >= 200 && made.status <= 999, "an answer has a status");
  check_fields({reinterpret_cast<const char*>(answer->passed->data()), answer->passed->size()});
  if (answer->body.bytes()) made.body = answer->body.text();
  require(made.body.size() <= limits.body, "the body is bounded");
  return made;
}

void check_request(std::string_view text) {
  const auto end = text.find("\r\n\r\n");
  if (end == text.npos) return;
  const auto whole = text.substr(0, end + 4);
  const auto head = http::parse_head(whole, {}, true);
  if (head.line.refused != 0) return;
  const auto asked = http::request::make({}, head.line, head.target, head.fields.all(), whole);
  const auto made = proxy::upstream_head(*asked, "1.2.3.4:5", {});
  if (made.empty()) return;
  require(made.ends_with("\r\n\r\n"), "a head ends");
  check_fields(std::string_view(made).substr(0, made.size() - 2));
  // Whoever gets it understands the same request, and no body behind it.
  const auto again = http::parse_head(made, {1 << 20, 1 << 20, 0}, true);
  if (head.line.http11 && asked->target().find(' ') == std::string_view::npos) {
    require(again.target == head.target && again.line.method == head.line.method,
            "it is the same request");
    require(!again.chunked && again.body == 0, "without a body it has none");
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  input all(data, size);
  const auto how = all.number();
  const bool head_only = (how & 1) != 0;
  const auto piece = std::max<std::size_t>(1, how >> 1);
  const auto text = all.text(size);
  require(read(text, text.size() + 1, head_only) == read(text, piece, head_only),
          "pieces make no difference");
  check_request(text);
  return 0;
}
