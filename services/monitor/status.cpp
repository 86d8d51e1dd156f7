#include "services/monitor/status.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace instar::monitor {

namespace {

/// The next word; the rest stays in `line`.
std::string_view word_of(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  const auto word = line.substr(0, line.find(' '));
  line.remove_prefix(word.size());
  return word;
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= longest_name &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '-' || c == '.';
         });
}

bool read_number(std::string_view text, std::uint64_t& into) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
  return !text.empty() && error == std::errc() && end == text.data() + text.size();
}

} // namespace

std::string parse_status(std::string_view line, status& into) {
  if (line.size() > longest_datagram) return "a line of more than 8192 bytes";
  const auto kind = word_of(line);
  if (kind != "status" && kind != "leave") return "it begins with neither 'status' nor 'leave'";
  into.leaves = kind == "leave";
  const auto name = word_of(line);
  if (!is_name(name)) return "a name has 1 to 64 letters, digits, dots, underscores and hyphens";
  into.name = name;
  if (!read_number(word_of(line), into.incarnation) || !read_number(word_of(line), into.sequence))
    return "after the name come two numbers, incarnation and sequence";
  into.counters.clear();
  for (auto word = word_of(line); !word.empty(); word = word_of(line)) {
    const auto equals = word.find('=');
    std::uint64_t value = 0;
    if (equals == word.npos || !is_name(word.substr(0, equals)) ||
        !read_number(word.substr(equals + 1), value))
      return "a counter is NAME=NUMBER";
    if (into.counters.size() == most_counters) return "more than 32 counters";
    into.counters.emplace_back(word.substr(0, equals), value);
  }
  return {};
}

std::string show_address(std::string_view address) {
  sockaddr_storage from{};
  std::memcpy(&from, address.data(), std::min(address.size(), sizeof from));
  char text[INET6_ADDRSTRLEN] = {};
  if (from.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(from);
    ::inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    return std::string(text) + ":" + std::to_string(ntohs(v4.sin_port));
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(from);
  ::inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
  return "[" + std::string(text) + "]:" + std::to_string(ntohs(v6.sin6_port));
}

} // namespace instar::monitor
