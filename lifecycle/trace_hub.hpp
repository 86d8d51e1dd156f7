#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace instar {

/// What a tap tells of one packet.
struct packet_header {
  std::chrono::steady_clock::time_point when{};
  std::chrono::nanoseconds gap{-1}; ///< since the packet before it on this arc; -1 for the first
  std::uint64_t key = 0;
  std::string_view payload; ///< the type's name; lives as long as the trace
  bool dropped = false;
};

struct trace_totals {
  std::uint64_t packets = 0;  ///< that came along the arc
  std::uint64_t dropped = 0;  ///< of them
  std::uint64_t left_out = 0; ///< whose headers were not kept: nobody fetched them in time
};

/// The headers of one trace on their way from the operator on the arc to whoever looks at them.
///
/// Holds so many at the most; newer ones are then counted, and left out. Any thread.
class trace_box {
public:
  static constexpr std::size_t default_room = 65'536;

  explicit trace_box(std::size_t room = default_room) : room_(room) {}

  /// Takes the headers over, oldest first, and leaves `batch` empty. Short: called by an operator.
  void hand_over(std::vector<packet_header>& batch);

  /// The oldest headers that wait, at most so many.
  std::vector<packet_header> take(std::size_t most);
  trace_totals totals() const;

  /// An instance of the operator begins, ends.
  void attach() { change_taps(+1); }
  void detach() { change_taps(-1); }
  /// There was an instance, and now there is none.
  bool abandoned() const;

private:
  void change_taps(int by);

  const std::size_t room_;
  mutable std::mutex guard_;
  std::vector<packet_header> waiting_;
  std::size_t taken_ = 0; // of `waiting_`
  std::set<std::string, std::less<>> names_;
  trace_totals totals_;
  int taps_ = 0;
  bool met_ = false;
};

/// The traces of a service by the name of the operator on the arc: a resource of the host.
class trace_hub {
public:
  static constexpr std::string_view resource_name = "instar.trace_hub";

  /// Before the operator is put on. Returns the box that `find` gives it.
  std::shared_ptr<trace_box> open(const std::string& operator_name,
                                  std::size_t room = trace_box::default_room);
  void close(std::string_view operator_name);
  /// Null if nobody looks.
  std::shared_ptr<trace_box> find(std::string_view operator_name) const;

private:
  mutable std::mutex guard_;
  std::map<std::string, std::shared_ptr<trace_box>, std::less<>> boxes_;
};

} // namespace instar
