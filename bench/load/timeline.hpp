#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <map>
#include <string>
#include <string_view>
#include <utility>
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

/// Why the connection of a request had to be opened again.
enum class reopening : std::uint8_t {
  no,
  idle,      ///< the server had closed it between two requests
  announced, ///< its last answer had said `Connection: close`
  failure,   ///< the request before had failed
};
inline constexpr std::size_t reopenings = 4;
std::string_view name(reopening value);

/// One request; times are CLOCK_MONOTONIC in ns. `due` is when the client should have sent it:
/// latency counts from there, so that a stalled server is charged for the requests it delayed.
struct request_record {
  std::int64_t due = 0, sent = 0, done = 0;
  std::uint16_t client = 0;
  outcome end = outcome::ok;
  reopening reopened = reopening::no;
  std::uint8_t group = 0; ///< of clients; latencies of groups are told apart
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
  std::map<std::string, std::uint64_t> failed_by_kind, reopened_by_kind;
  double longest_stall_ms = 0; ///< longest time without any successful answer

  double per_second() const { return seconds > 0 ? static_cast<double>(requests) / seconds : 0; }
};

/// Lines `NAME BEGIN_NS END_NS`; windows of one name are put together, in the order of the names'
/// first mention. Throws `std::runtime_error` naming the line.
std::vector<std::pair<std::string, std::vector<window>>> read_windows(std::istream& from);

/// The records of one group of clients.
std::vector<request_record> of_group(const std::vector<request_record>& records,
                                     std::uint8_t group);

/// A request belongs to every window that its time from due to done touches, so none that an
/// update delayed gets lost at a window's edge; the rate counts those that finished inside.
figures cut(const std::vector<request_record>& records, const std::vector<window>& windows);

/// Flat JSON members `"<prefix>p50_ms": 1.2, …` without the braces.
std::string json_members(const figures& of, std::string_view prefix);
/// For people: one line.
std::string text_line(const figures& of);

/// What a picture shows of one slice of time: the requests that ended in it.
struct slice {
  double second = 0; ///< its middle, counted from the start of the run
  double per_second = 0, p50_ms = 0, p99_ms = 0, max_ms = 0; ///< of successful requests
  std::uint64_t failed = 0, reopened = 0;
};
/// Whole slices of `length` ns from `begin` to `end`; one without answers has latency 0.
std::vector<slice> cut_slices(const std::vector<request_record>& records, std::int64_t begin,
                              std::int64_t end, std::int64_t length);
/// A head line and a line per slice, for gnuplot.
void write_slices(std::ostream& to, const std::vector<slice>& slices);

void write_csv(std::ostream& to, const std::vector<request_record>& records);
/// Throws `std::runtime_error` naming file and line.
std::vector<request_record> read_csv(const std::filesystem::path& file);

std::int64_t monotonic_ns();

} // namespace instar::load
