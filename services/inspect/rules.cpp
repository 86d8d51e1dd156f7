#include "services/inspect/rules.hpp"

#include "services/inspect/headers.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

namespace instar::inspect {

namespace {

/// What is wrong with a line, and what would be right.
struct mistake {
  std::string what;
};

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blank = " \t\r";
  const auto from = text.find_first_not_of(blank);
  if (from == text.npos) return {};
  return text.substr(from, text.find_last_not_of(blank) - from + 1);
}

std::string quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

template <class Number>
std::optional<Number> number(std::string_view text, int base = 10) {
  Number made = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), made, base);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return made;
}

std::string_view next_word(std::string_view& line) {
  line = trimmed(line);
  const auto word = line.substr(0, line.find_first_of(" \t("));
  line.remove_prefix(word.size());
  return word;
}

std::uint8_t protocol_of(std::string_view word) {
  if (word == "ip") return 0;
  if (word == "tcp") return protocol::tcp;
  if (word == "udp") return protocol::udp;
  if (word == "icmp") return protocol::icmp;
  throw mistake{"protocol " + quoted(word) + " is not known; write tcp, udp, icmp or ip"};
}

rule::network network_of(std::string_view word) {
  if (word == "any") return {};
  const auto slash = word.find('/');
  const auto bits = slash == word.npos ? 32u : number<unsigned>(word.substr(slash + 1));
  in_addr address{};
  if (!bits || *bits > 32 ||
      ::inet_pton(AF_INET, std::string(word.substr(0, slash)).c_str(), &address) != 1)
    throw mistake{"address " + quoted(word) + " is none; write any, 10.0.0.1 or 10.0.0.0/8"};
  const auto mask = *bits == 0 ? 0u : ~std::uint32_t{0} << (32 - *bits);
  return {ntohl(address.s_addr) & mask, mask};
}

rule::port_range ports_of(std::string_view word) {
  if (word == "any") return {};
  const auto colon = word.find(':');
  const auto from = number<std::uint16_t>(word.substr(0, colon));
  const auto to = colon == word.npos ? from : number<std::uint16_t>(word.substr(colon + 1));
  if (!from || !to || *from > *to)
    throw mistake{"port " + quoted(word) + " is none; write any, 80 or 1024:65535"};
  return {*from, *to};
}

/// `a|0d 0a|b`, where a backslash takes the next character as it is.
std::string content_of(std::string_view text) {
  std::string made;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\\' && at + 1 < text.size()) {
      made += text[++at];
    } else if (text[at] != '|') {
      made += text[at];
    } else {
      const auto end = text.find('|', at + 1);
      if (end == text.npos) throw mistake{"a | in its content has no end; write |0d 0a|"};
      auto inside = text.substr(at + 1, end - at - 1);
      for (inside = trimmed(inside); !inside.empty(); inside = trimmed(inside.substr(2))) {
        const auto byte = number<std::uint8_t>(inside.substr(0, 2), 16);
        if (!byte || inside.size() < 2)
          throw mistake{quoted(inside.substr(0, 2)) + " is no byte; write |0d 0a|"};
        made += static_cast<char>(*byte);
      }
      at = end;
    }
  }
  if (made.empty()) throw mistake{"its content is empty; say what is looked for"};
  if (made.size() > longest_content)
    throw mistake{"its content has " + std::to_string(made.size()) + " bytes; at most " +
                  std::to_string(longest_content) + " are looked for"};
  return made;
}

/// Up to the next semicolon that no quotes have in them.
std::string_view next_option(std::string_view& rest) {
  bool inside = false;
  for (std::size_t at = 0; at < rest.size(); ++at) {
    if (rest[at] == '\\') ++at;
    else if (rest[at] == '"') inside = !inside;
    else if (rest[at] == ';' && !inside) {
      const auto option = trimmed(rest.substr(0, at));
      rest = trimmed(rest.substr(at + 1));
      return option;
    }
  }
  throw mistake{quoted(rest) + " does not end; put a semicolon behind each option"};
}

std::string_view unquoted(std::string_view name, std::string_view text) {
  if (text.size() < 2 || !text.starts_with('"') || !text.ends_with('"'))
    throw mistake{std::string(name) + " has to be in quotes"};
  return text.substr(1, text.size() - 2);
}

void read_option(rule& into, std::string_view option) {
  const auto colon = option.find(':');
  const auto name = trimmed(option.substr(0, colon));
  const auto value = colon == option.npos ? std::string_view() : trimmed(option.substr(colon + 1));
  if (name == "msg") {
    into.message = unquoted(name, value);
  } else if (name == "content") {
    if (!into.content.empty()) throw mistake{"it has two contents; write two rules"};
    into.content = content_of(unquoted(name, value));
  } else if (name == "nocase" && value.empty()) {
    into.nocase = true;
  } else if (name == "sid") {
    const auto sid = number<std::uint32_t>(value);
    if (!sid || *sid == 0)
      throw mistake{"sid " + quoted(value) + " is none; write a number from 1"};
    into.sid = *sid;
  } else if (name != "rev") {
    throw mistake{"option " + quoted(name) + " is not known; there are msg, content, nocase, sid"};
  }
}

rule parse_rule(std::string_view line) {
  rule made;
  if (const auto action = next_word(line); action != "alert")
    throw mistake{"it begins with " + quoted(action) + "; a rule begins with alert"};
  made.protocol = protocol_of(next_word(line));
  made.source = network_of(next_word(line));
  made.source_ports = ports_of(next_word(line));
  const auto direction = next_word(line);
  if (direction != "->" && direction != "<>")
    throw mistake{"direction " + quoted(direction) + " is none; write -> or <>"};
  made.both_ways = direction == "<>";
  made.destination = network_of(next_word(line));
  made.destination_ports = ports_of(next_word(line));
  line = trimmed(line);
  if (line.size() < 2 || !line.starts_with('(') || !line.ends_with(')'))
    throw mistake{"its options are missing; write (msg:\"…\"; content:\"…\"; sid:1;)"};
  line = trimmed(line.substr(1, line.size() - 2));
  while (!line.empty()) read_option(made, next_option(line));
  if (made.content.empty()) throw mistake{"it has no content; say what is looked for"};
  if (made.sid == 0) throw mistake{"it has no sid; give it a number of its own"};
  return made;
}

} // namespace

bool rule::applies(const endpoints& to) const {
  if (protocol != 0 && protocol != to.protocol) return false;
  const auto fits = [this](std::uint32_t from, std::uint16_t from_port, std::uint32_t until,
                           std::uint16_t until_port) {
    return source.has(from) && source_ports.has(from_port) && destination.has(until) &&
           destination_ports.has(until_port);
  };
  return fits(to.source, to.source_port, to.destination, to.destination_port) ||
         (both_ways && fits(to.destination, to.destination_port, to.source, to.source_port));
}

result<std::vector<rule>> parse_rules(std::string_view text, const std::string& file) {
  std::vector<rule> all;
  std::set<std::uint32_t> sids;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.starts_with('#')) continue;
    try {
      auto made = parse_rule(line);
      if (!sids.insert(made.sid).second)
        throw mistake{"sid " + std::to_string(made.sid) + " is there already; give it another"};
      all.push_back(std::move(made));
    } catch (const mistake& m) {
      return failure{errc::bad_input, file + ":" + std::to_string(number) + ": " + m.what};
    }
  }
  return all;
}

} // namespace instar::inspect
