#pragma once

#include "monitor.capnp.h"
#include "services/monitor/status.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace instar::monitor {

/// Who is there, what they have told, and what has happened; answers questions about it.
///
/// Bounded: members, counters of each, events. The time is told by the caller.
class board {
public:
  using time = std::chrono::steady_clock::time_point;
  using duration = std::chrono::nanoseconds;
  static constexpr std::size_t most_members = 1024, most_events = 200;

  /// A member that says nothing for `silent_after` counts as silent. Of a rate, the part
  /// `smoothing` is that of before (0 = only the last two values count).
  board(duration silent_after, double smoothing)
      : silent_after_(silent_after), smoothing_(smoothing) {}

  /// A status has come. Returns the event that it is, without its end; mostly none.
  std::string take(const status& from, time now);
  /// The members that have become silent: an event each.
  std::vector<std::string> look(time now);
  /// The answer to a line of a client, with the ends of its lines.
  std::string answer(std::string_view question, time now) const;

  /// Where the monitor receives.
  void set_where(std::string address) { where_ = std::move(address); }
  void list_targets(Targets::Builder into, time now) const;

  void save(ReportState::Builder into, bool same_process) const;
  void restore(ReportState::Reader from, time now);

private:
  enum class presence : std::uint8_t { alive, silent, left };
  struct measured {
    std::uint64_t value = 0;
    double per_second = 0;
    time at{};
  };
  struct member {
    std::uint64_t incarnation = 0, sequence = 0, received = 0, lost = 0;
    presence is = presence::alive;
    time heard{};
    std::string address;
    std::map<std::string, measured> counters;
  };

  static const char* to_string(presence is);
  std::string note(std::string event);
  void measure(member& of, const status& from, time now) const;
  std::string list(time now) const;
  std::string describe(std::string_view name, time now) const;
  std::string rates() const;
  std::string totals() const;
  std::string latest(std::string_view count) const;

  const duration silent_after_;
  const double smoothing_;
  std::map<std::string, member, std::less<>> members_;
  std::deque<std::string> events_;
  std::string where_;
  std::uint64_t statuses_ = 0;
};

} // namespace instar::monitor
