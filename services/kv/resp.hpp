#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace instar::kv {

struct resp_limits {
  std::uint32_t max_args = 1024 * 1024;          ///< of one command
  std::uint32_t max_bulk = 64 * 1024 * 1024;     ///< bytes of one argument
  std::uint32_t max_command = 128 * 1024 * 1024; ///< bytes of all of them, as they come
  std::uint32_t max_inline = 64 * 1024;          ///< bytes of a line
};

/// Cuts the bytes of a connection into commands: RESP2 arrays of bulk strings, or lines of words.
///
/// It is given all bytes from the first one that it has not done with on, and goes on where it
/// stopped, so the time that it takes does not depend on how the bytes were cut. A command has no
/// arrays in it. Holds no bytes itself, but for words of lines with quotes. After an error nothing
/// of the connection can be understood any more.
class request_parser {
public:
  enum class step : std::uint8_t { command, more, error };

  explicit request_parser(const resp_limits& limits) : limits_(limits) {}

  /// The next command of `text`. Its arguments are appended to `args`: views of `text`, or of
  /// `decoded`, which the caller empties before it comes with another text. A command without
  /// arguments is none: it is passed over.
  step next(std::string_view text, std::vector<std::string_view>& args, std::string& decoded);

  /// So many bytes of `text` belong to commands that are complete. The caller may throw them away
  /// then, and `forget` them.
  std::size_t done() const { return done_; }
  void forget(std::size_t bytes);
  /// At least so many bytes will `text` have when the command that has begun is complete.
  std::size_t expected() const { return expected_; }

  /// What is wrong, after an error: the text of Redis.
  const std::string& complaint() const { return complaint_; }

private:
  struct range {
    std::size_t at, size;
  };

  step complete_command(std::string_view text, std::vector<std::string_view>& args);
  step array(std::string_view text, std::vector<std::string_view>& args);
  step line(std::string_view text, std::vector<std::string_view>& args, std::string& decoded);
  step fail(std::string text);
  step number(std::string_view text, std::size_t from, const char* too_long, std::int64_t& value,
              std::size_t& end);

  resp_limits limits_;
  std::size_t done_ = 0;     // before the command that has begun
  std::size_t at_ = 0;       // looked at
  std::size_t searched_ = 0; // has no end of line before this
  std::uint32_t left_ = 0;   // arguments still to come; 0 = no command has begun
  std::size_t expected_ = 0;
  std::vector<range> ranges_; // of the command that has begun
  std::string complaint_;
};

/// The words of a line, with quotes as in redis-cli. Words without quotes are views of `line`, the
/// others of `decoded`, which must have room for as much as the line. False if a quote is not
/// closed, or something follows it directly.
bool split_line(std::string_view line, std::vector<std::string_view>& words, std::string& decoded);

/// A decimal number as Redis takes it: no sign but `-`, no leading zeros, no spaces.
bool parse_integer(std::string_view text, std::int64_t& value) noexcept;

} // namespace instar::kv
