#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace instar::load {

/// How a request ended.
enum class outcome : std::uint8_t {
  ok,
  connect,   ///< no connection could be opened for it
  reset,     ///< the connection broke while it was sent or answered
  closed,    ///< the server closed the connection before the answer was complete
  status,    ///< a whole answer, but not 200
  length,    ///< Content-Length differs from the expected file
  content,   ///< a byte of the body differs from the expected file
  malformed, ///< no HTTP/1.1 answer with a Content-Length
  timeout,
};
inline constexpr std::size_t outcomes = 9;
std::string_view name(outcome value);

/// One request; times are CLOCK_MONOTONIC in ns. `due` is when the client should have sent it:
/// latency counts from there, so that a stalled server is charged for the requests it delayed.
struct request_record {
  std::int64_t due = 0, sent = 0, done = 0;
  std::uint16_t client = 0;
  outcome end = outcome::ok;
  bool reopened = false; ///< its connection had to be opened again
};

struct window {
  std::string name;
  std::int64_t begin = 0, end = 0;
};

/// What is told of one window, or of several of the same name together.
struct figures {
  double seconds = 0;
  std::uint64_t requests = 0;                             ///< successful, finished inside
  double p50_ms = 0, p99_ms = 0, p999_ms = 0, max_ms = 0; ///< of successful requests
  std::uint64_t failed = 0, reopened = 0;
  std::map<std::string, std::uint64_t> failed_by_kind;
  double longest_stall_ms = 0; ///< longest time without any successful answer

  double per_second() const { return seconds > 0 ? static_cast<double>(requests) / seconds : 0; }
};

/// A request belongs to every window that its time from due to done touches, so none that an
/// update delayed gets lost at a window's edge; the rate counts those that finished inside.
figures cut(const std::vector<request_record>& records, const std::vector<window>& windows);

/// Flat JSON members `"<prefix>p50_ms": 1.2, …` without the braces.
std::string json_members(const figures& of, std::string_view prefix);
/// For people: one line.
std::string text_line(const figures& of);

void write_csv(std::ostream& to, const std::vector<request_record>& records);
/// Throws `std::runtime_error` naming file and line.
std::vector<request_record> read_csv(const std::filesystem::path& file);

std::int64_t monotonic_ns();

} // namespace instar::load
