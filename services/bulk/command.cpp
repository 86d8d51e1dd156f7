#include "services/bulk/command.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace instar::bulk {

namespace {

/// Takes the next word away from the front.
std::string_view next_word(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  const auto word = text.substr(0, text.find(' '));
  text.remove_prefix(word.size());
  return word;
}

std::optional<std::uint64_t> number(std::string_view word) {
  std::uint64_t value = 0;
  const auto done = std::from_chars(word.data(), word.data() + word.size(), value);
  if (done.ec != std::errc{} || done.ptr != word.data() + word.size()) return std::nullopt;
  return value;
}

} // namespace

command parse_command(std::string_view line, std::uint64_t max_size) {
  const auto name = next_word(line);
  const bool sends = name == "SEND";
  if (sends || name == "TAKE") {
    const auto size = number(next_word(line)), seed = number(next_word(line));
    if (!size || !seed || !next_word(line).empty())
      return wrong_command{std::string(name) + " needs a size and a seed, such as " +
                           std::string(name) + " 1000000 7"};
    if (*size > max_size)
      return wrong_command{"more than " + std::to_string(max_size) + " bytes at once"};
    return transfer_command{sends, *size, *seed};
  }
  if (!next_word(line).empty() || (name != "REPORT" && name != "QUIT"))
    return wrong_command{"no such command; there are SEND, TAKE, REPORT and QUIT"};
  if (name == "QUIT") return quit_command{};
  return report_command{};
}

} // namespace instar::bulk
