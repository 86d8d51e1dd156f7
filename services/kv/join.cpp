#include "services/kv/join.hpp"

#include "services/kv/reply_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <string>
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

/// What INFO says that each store counts for itself; the rest is the same of all. The last one ends
/// the text, and is not there if it is 0.
constexpr std::string_view counted[] = {"total_commands_processed:", "expired_keys:",
                                        "keyspace_hits:", "keyspace_misses:", "db0:keys="};

std::string add_up(std::span<const piece> parts) {
  std::array<std::uint64_t, std::size(counted)> sums{};
  std::string all;
  for (const auto& p : parts) {
    auto body = first_line(p.text).second;
    while (!body.empty()) {
      const auto line = body.substr(0, body.find("\r\n"));
      body.remove_prefix(std::min(line.size() + 2, body.size()));
      const auto* name = std::find_if(std::begin(counted), std::end(counted),
                                      [&](auto n) { return line.substr(0, n.size()) == n; });
      if (name != std::end(counted)) {
        std::uint64_t number = 0;
        std::from_chars(line.data() + name->size(), line.data() + line.size(), number);
        sums[static_cast<std::size_t>(name - counted)] += number;
        if (name == std::end(counted) - 1) continue;
      }
      if (&p != &parts.front() || (line.empty() && body.empty())) continue;
      all.append(name == std::end(counted) ? line : *name).append("\r\n");
    }
  }
  for (std::size_t i = 0; i < sums.size(); ++i) {
    const auto number = std::to_string(sums[i]);
    if (const auto at = all.find(counted[i]); at != all.npos)
      all.insert(at + counted[i].size(), number);
    else if (sums[i] > 0) all.append(counted[i]).append(number).append("\r\n");
  }
  return all;
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
  case joining::report:
    return out.bulk(add_up(parts));
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
