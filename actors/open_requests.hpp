#pragma once

#include "actors/operator.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace instar {

/// The requests of one place in the graph that have not been answered, and those whose end the
/// operator has still to be told. Belongs to the place, like its arcs: a successor finds it as the
/// old instance left it, a rollback leaves it alone.
///
/// An id is the place's number and a sequence that is never begun again, so it names a request over
/// every update of either side. To open and close one is O(log n), by the order of deadlines, and
/// allocates only when more are open than ever before.
///
/// Not thread-safe: used by the actor that runs the place's operator.
class open_requests {
public:
  using clock = std::chrono::steady_clock;

  static constexpr unsigned sequence_bits = 40;
  static constexpr std::uint64_t max_place = (std::uint64_t{1} << (64 - sequence_bits)) - 1;
  static constexpr std::uint64_t place_of(std::uint64_t id) { return id >> sequence_bits; }

  struct request {
    std::size_t port = 0; ///< output that it left by
    std::uint64_t token = 0;
  };
  struct unanswered {
    request what;
    no_answer why = no_answer::nobody;
  };
  /// Where requests of one output go.
  struct target {
    std::string port;         ///< name: the index may be another in the next version
    std::uint64_t server = 0; ///< number of the place that answers; 0 = none

    bool operator==(const target&) const = default;
  };

  /// `place` is from 1 to `max_place`; `first` is only for tests of how the sequence wraps round.
  explicit open_requests(std::uint64_t place, std::uint64_t first = 0);

  /// Where requests go from now on, by output. Open ones of an output that is gone or whose server
  /// is another end with `nobody`: nothing will answer them.
  void aim(std::vector<target> targets);

  /// Notes a request and returns its id. One that has no server ends with `nobody`.
  std::uint64_t open(std::size_t port, std::uint64_t token, clock::time_point due);
  /// It has been answered. Nothing if it is not open: answered, too late, or never asked here.
  std::optional<request> close(std::uint64_t id);

  /// When the next one runs out of time, if any is open.
  std::optional<clock::time_point> next_due() const;
  /// Ends those whose time has run out.
  void expire(clock::time_point now);
  /// One that has ended without an answer, oldest first; each is given once.
  std::optional<unanswered> take_ended();

  std::size_t open() const { return heap_.size(); }
  std::size_t open(std::size_t port) const { return port < by_port_.size() ? by_port_[port] : 0; }
  std::size_t ended() const { return ended_.size(); }

private:
  struct entry {
    std::uint64_t sequence = 0;
    request what;
    clock::time_point due;
    std::size_t at = 0; // in heap_
  };

  std::size_t find(std::uint64_t sequence) const;
  void insert(std::size_t slot);
  void erase(std::size_t at);
  void remove(std::size_t slot);
  void make_room();
  void place(std::size_t slot, std::size_t at);
  void sift_up(std::size_t at);
  void sift_down(std::size_t at);
  bool earlier(std::size_t a, std::size_t b) const;

  const std::uint64_t place_;
  std::uint64_t next_;
  std::vector<target> targets_;
  std::vector<std::size_t> by_port_; // open ones
  std::vector<entry> entries_;
  std::vector<std::size_t> free_;  // of entries_
  std::vector<std::size_t> heap_;  // of entries_: the earliest deadline first
  std::vector<std::size_t> index_; // open addressing by sequence: 1 + of entries_, 0 = nothing
  std::deque<unanswered> ended_;
};

} // namespace instar
