#include "services/kv/resp.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>
#include <utility>

namespace instar::kv {

namespace {

/// No number of RESP has more digits.
constexpr std::size_t longest_number = 32;

/// The usual short number, `digits \r\n`: its value, and `at` behind the line. Negative if it is
/// not here as a whole, or anything else.
std::int64_t short_number(const char*& at, const char* end) {
  std::int64_t value = 0;
  const char* p = at;
  for (int digits = 0; p != end && digits < 9; ++p, ++digits) {
    const auto digit = static_cast<unsigned char>(*p - '0');
    if (digit > 9) {
      if (digits == 0 || *p != '\r' || end - p < 2 || p[1] != '\n') return -1;
      if (digits > 1 && *at == '0') return -1;
      at = p + 2;
      return value;
    }
    value = value * 10 + digit;
  }
  return -1;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = static_cast<char>(c | 0x20);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

char unescaped(char c) {
  switch (c) {
  case 'n':
    return '\n';
  case 'r':
    return '\r';
  case 't':
    return '\t';
  case 'b':
    return '\b';
  case 'a':
    return '\a';
  default:
    return c;
  }
}

} // namespace

bool parse_integer(std::string_view text, std::int64_t& value) noexcept {
  if (text.empty() || text.size() > 20) return false;
  const auto digits = text.substr(text[0] == '-' ? 1 : 0);
  if (digits.empty() || digits[0] < '0' || digits[0] > '9') return false;
  if (digits[0] == '0' && text.size() > 1) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

request_parser::step request_parser::fail(std::string text) {
  complaint_ = std::move(text);
  return step::error;
}

void request_parser::forget(std::size_t bytes) {
  if (bytes == 0) return; // of a command with many arguments there may be many pieces
  done_ -= bytes;
  at_ -= bytes;
  searched_ -= std::min(searched_, bytes);
  expected_ -= std::min(expected_, bytes);
  for (auto& r : ranges_) r.at -= bytes;
}

request_parser::step request_parser::next(std::string_view text,
                                          std::vector<std::string_view>& args,
                                          std::string& decoded) {
  for (;;) {
    if (left_ == 0) {
      if (at_ == text.size()) return step::more;
      if (text[at_] != '*') {
        const auto before = args.size();
        const auto got = line(text, args, decoded);
        if (got != step::command || args.size() > before) return got;
        continue;
      }
      if (const auto got = complete_command(text, args); got != step::more) return got;
    }
    const auto got = array(text, args);
    if (got == step::command && ranges_.empty()) continue; // it had no arguments
    if (got == step::command) {
      for (const auto& r : ranges_) args.push_back(text.substr(r.at, r.size));
      ranges_.clear();
    }
    return got;
  }
}

/// The way of nearly all commands: short, and here as a whole. `more`: look closer.
request_parser::step request_parser::complete_command(std::string_view text,
                                                      std::vector<std::string_view>& args) {
  const char* at = text.data() + at_ + 1;
  const char* const end = text.data() + text.size();
  const auto count = short_number(at, end);
  if (count <= 0 || count > 64 || count > limits_.max_args) return step::more;
  const auto before = args.size();
  for (auto left = count; left > 0; --left) {
    if (at != end && *at == '$') {
      ++at;
      const auto size = short_number(at, end);
      if (size >= 0 && size <= limits_.max_bulk && end - at >= size + 2 && at[size] == '\r' &&
          at[size + 1] == '\n') {
        args.emplace_back(at, static_cast<std::size_t>(size));
        at += size + 2;
        continue;
      }
    }
    args.resize(before);
    return step::more;
  }
  const auto done = static_cast<std::size_t>(at - text.data());
  if (done - at_ > limits_.max_command) {
    args.resize(before);
    return step::more;
  }
  done_ = at_ = done;
  return step::command;
}

/// The number of the line that begins at `from`, and where the line ends.
request_parser::step request_parser::number(std::string_view text, std::size_t from,
                                            const char* too_long, std::int64_t& value,
                                            std::size_t& end) {
  const auto rest = text.substr(from, longest_number + 2);
  const auto stop = rest.substr(0, longest_number + 1).find('\r');
  if (stop == std::string_view::npos)
    return rest.size() > longest_number ? fail(too_long) : step::more;
  if (stop + 1 == rest.size()) return step::more;
  end = from + stop + 2;
  if (rest[stop + 1] != '\n' || !parse_integer(rest.substr(0, stop), value))
    value = std::numeric_limits<std::int64_t>::min();
  return step::command;
}

request_parser::step request_parser::array(std::string_view text, std::vector<std::string_view>&) {
  std::int64_t value = 0;
  std::size_t end = 0;
  if (left_ == 0) {
    const auto got = number(text, at_ + 1, "too big mbulk count string", value, end);
    if (got != step::command) return got;
    if (value == std::numeric_limits<std::int64_t>::min() ||
        value > static_cast<std::int64_t>(limits_.max_args))
      return fail("invalid multibulk length");
    ranges_.clear();
    at_ = end;
    if (value <= 0) {
      done_ = at_;
      return step::command;
    }
    left_ = static_cast<std::uint32_t>(value);
  }
  for (; left_ > 0; --left_) {
    if (at_ == text.size()) return step::more;
    if (text[at_] != '$')
      return fail(std::string("expected '$', got '") +
                  (text[at_] >= ' ' && text[at_] <= '~' ? text[at_] : '?') + "'");
    const auto got = number(text, at_ + 1, "too big bulk count string", value, end);
    if (got != step::command) return got;
    if (value < 0 || value > static_cast<std::int64_t>(limits_.max_bulk))
      return fail("invalid bulk length");
    const auto size = static_cast<std::size_t>(value);
    if (end + size - done_ > limits_.max_command)
      return fail("a command of more bytes than are allowed");
    expected_ = end + size + 2;
    if (text.size() < expected_) return step::more;
    if (text[end + size] != '\r' || text[end + size + 1] != '\n')
      return fail("a bulk string without its end of line");
    ranges_.push_back({end, size});
    at_ = expected_;
  }
  done_ = at_;
  return step::command;
}

request_parser::step request_parser::line(std::string_view text,
                                          std::vector<std::string_view>& args,
                                          std::string& decoded) {
  const auto from = std::max(at_, searched_);
  const auto end = text.find('\n', from);
  if (end == std::string_view::npos) {
    searched_ = text.size();
    return text.size() - at_ > limits_.max_inline ? fail("too big inline request") : step::more;
  }
  auto words = text.substr(at_, end - at_);
  if (words.size() > limits_.max_inline) return fail("too big inline request");
  if (!words.empty() && words.back() == '\r') words.remove_suffix(1);
  const auto before = args.size();
  // Decoded words are shorter, so this is enough for all lines of `text`: views of it stay valid.
  if (decoded.empty() && words.find_first_of("\"'") != std::string_view::npos)
    decoded.reserve(text.size());
  if (!split_line(words, args, decoded)) return fail("unbalanced quotes in request");
  if (args.size() - before > limits_.max_args) return fail("invalid multibulk length");
  done_ = at_ = end + 1;
  return step::command;
}

bool split_line(std::string_view line, std::vector<std::string_view>& words, std::string& decoded) {
  for (std::size_t at = 0;;) {
    while (at < line.size() && is_space(line[at])) ++at;
    if (at == line.size()) return true;
    const auto begin = at;
    while (at < line.size() && !is_space(line[at]) && line[at] != '"' && line[at] != '\'') ++at;
    if (at == line.size() || is_space(line[at])) {
      words.push_back(line.substr(begin, at - begin));
      continue;
    }
    // A word with quotes in it. Decoded it is shorter.
    const auto first = decoded.size();
    decoded.append(line, begin, at - begin);
    while (at < line.size() && !is_space(line[at])) {
      const char quote = line[at++];
      if (quote != '"' && quote != '\'') {
        decoded += quote;
        continue;
      }
      for (;; ++at) {
        if (at == line.size()) return false;
        if (line[at] == quote) break;
        if (line[at] != '\\' || at + 1 == line.size()) {
          decoded += line[at];
        } else if (quote == '\'') {
          if (line[at + 1] == '\'') ++at;
          decoded += line[at];
        } else if (line[at + 1] == 'x' && at + 3 < line.size() && hex_digit(line[at + 2]) >= 0 &&
                   hex_digit(line[at + 3]) >= 0) {
          decoded += static_cast<char>(hex_digit(line[at + 2]) * 16 + hex_digit(line[at + 3]));
          at += 3;
        } else {
          decoded += unescaped(line[++at]);
        }
      }
      ++at;
      if (at < line.size() && !is_space(line[at])) return false;
    }
    words.emplace_back(decoded.data() + first, decoded.size() - first);
  }
}

} // namespace instar::kv
