#include "services/kv/join.hpp"

#include "services/kv/reply_text.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace instar::kv {

namespace {

struct piece {
  reply_part about;
  std::string_view text;
};

/// The number of the line that `text` begins with, behind its first character; and what follows it.
std::pair<std::int64_t, std::string_view> first_line(std::string_view text) {
  std::int64_t number = 0;
  const auto end = text.find('\r');
  std::from_chars(text.data() + 1, text.data() + std::min(end, text.size()), number);
  return {number, text.substr(std::min(end + 2, text.size()))};
}

void write(std::span<const piece> parts, reply_text& out) {
  // Where one store could not, the command has failed.
  const auto failed = std::find_if(parts.begin(), parts.end(), [](const piece& p) {
    return !p.text.empty() && p.text[0] == '-';
  });
  if (failed != parts.end()) return out.raw(failed->text);
  std::int64_t sum = 0;
  switch (parts[0].about.how) {
  case joining::whole:
  case joining::status:
    return out.raw(parts[0].text);
  case joining::sum:
    for (const auto& p : parts) sum += first_line(p.text).first;
    return out.integer(sum);
  case joining::arrays:
    for (const auto& p : parts) sum += first_line(p.text).first;
    out.array(static_cast<std::size_t>(sum));
    for (const auto& p : parts) out.raw(first_line(p.text).second);
  }
}

} // namespace

payload_ptr<replies> join(std::span<const payload_ptr<replies>> parts) {
  std::vector<piece> pieces;
  std::size_t bytes = 0;
  for (const auto& r : parts) {
    auto text = r->text();
    bytes += text.size();
    for (const auto& about : r->parts) {
      pieces.push_back({about, text.substr(0, about.size)});
      text.remove_prefix(std::min<std::size_t>(about.size, text.size()));
    }
  }
  std::sort(pieces.begin(), pieces.end(), [](const piece& a, const piece& b) {
    return std::tie(a.about.index, a.about.part) < std::tie(b.about.index, b.about.part);
  });
  auto made = replies::make({}, parts[0]->place(), bytes + 64);
  reply_text out(*made);
  for (auto at = pieces.begin(); at != pieces.end();) {
    const auto end = std::find_if(at, pieces.end(),
                                  [&](const piece& p) { return p.about.index != at->about.index; });
    write(std::span(at, end), out);
    at = end;
  }
  made->from() = std::move(parts[0]->from());
  for (const auto& r : parts.subspan(1))
    if (r->from()) r->from().take()->close_request();
  return made;
}

} // namespace instar::kv
