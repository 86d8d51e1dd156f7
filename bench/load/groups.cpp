#include "groups.hpp"

#include <algorithm>
#include <cctype>
#include <sstream>
#include <stdexcept>
#include <vector>

namespace instar::load {

namespace {

constexpr std::size_t most_clients = 60000, most_files = 1'000'000;

/// The whole of `text` as a number; false if it is none.
template <class T>
bool read_number(const std::string& text, T& value) {
  if (text.empty() || !std::isdigit(static_cast<unsigned char>(text.front()))) return false;
  std::istringstream from(text);
  return from >> value && from.peek() == std::istringstream::traits_type::eof();
}

} // namespace

group_text parse_group(std::string_view text) {
  auto fail = [&](const char* why) {
    return std::runtime_error("--group '" + std::string(text) + "': " + why +
                              "; give NAME,PATH,CLIENTS[,FILES[,PERIOD_MS]]");
  };
  std::vector<std::string> parts;
  std::istringstream from{std::string(text)};
  for (std::string part; std::getline(from, part, ',');) parts.push_back(part);
  if (parts.size() < 3 || parts.size() > 5) throw fail("not three to five parts");
  group_text group;
  group.name = parts[0];
  group.path = parts[1];
  auto plain = [](unsigned char c) { return std::isalnum(c) || c == '_'; };
  if (group.name.empty() || !std::all_of(group.name.begin(), group.name.end(), plain))
    throw fail("the name has others than letters, digits and '_'");
  if (group.path.empty() || group.path.front() != '/') throw fail("the path does not begin with /");
  if (!read_number(parts[2], group.clients) || group.clients == 0 || group.clients > most_clients)
    throw fail("no number of clients from 1 to 60000");
  if (parts.size() > 3 &&
      (!read_number(parts[3], group.files) || group.files == 0 || group.files > most_files))
    throw fail("no number of files from 1 to 1000000");
  if (parts.size() > 4 && (!read_number(parts[4], group.period_ms) || group.period_ms <= 0))
    throw fail("no period in ms");
  return group;
}

} // namespace instar::load
