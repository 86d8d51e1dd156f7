#pragma once

#include "actors/packet.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace instar {

/// Counters and gauges of one running operator. Counters only grow, and go on over updates.
struct operator_status {
  std::string name;
  std::string reference;   ///< `type@version`
  epoch_t since_epoch = 0; ///< the transition that brought this instance
  std::string phase;       ///< running, at cut, starting, stopped
  std::uint64_t packets_in = 0;
  std::uint64_t packets_out = 0;
  std::uint64_t events = 0;
  std::uint64_t events_waiting = 0; ///< posted by the host and not taken yet, now
  std::uint64_t activations = 0;
  std::uint64_t busy_ns = 0; ///< time spent in activations
  std::uint64_t blocked = 0; ///< times that an output had no credit
  std::uint64_t errors = 0;  ///< exceptions out of operator code
  std::uint64_t restarts = 0;
  std::uint64_t late_answers = 0; ///< dropped: to requests that were not open any more
  std::uint64_t entries = 0;      ///< of its keyed state, now
  std::string replica_of;         ///< one of several that share packets: the name of all
  std::uint32_t replicas = 1;     ///< … and how many they are
  std::uint64_t hot_key = 0;      ///< of such a one: the key that comes most often lately
  double hot_share = 0;           ///< … in this share of its packets, or more; 0 if none is known
};

struct arc_status {
  std::string name; ///< `from.port -> to.port`
  std::string payload;
  std::size_t capacity = 0;
  std::size_t queued = 0;
  bool feedback = false; ///< closes a cycle
};

/// How long one step of a transition took.
struct step_time {
  std::string step; ///< plan, prepare, copy, mark, restore, commit, retire
  std::chrono::nanoseconds took{0};
};

enum class transition_outcome {
  unchanged, ///< nothing differed
  committed,
  refused,     ///< before anything moved
  rolled_back, ///< after the markers were sent; the old version serves with its state
};
const char* to_string(transition_outcome);

/// One transition, as the history keeps it.
struct history_entry {
  std::uint64_t id = 0; ///< in the order in which they were asked for
  epoch_t epoch = 0;    ///< of the graph it leads (or would have led) to
  std::string who;      ///< who asked: user and process, or `instard`
  std::string what;     ///< for example `load: http.load@1 -> http.load@2`
  std::chrono::system_clock::time_point when;
  transition_outcome outcome = transition_outcome::unchanged;
  std::string reason; ///< why refused or rolled back; empty otherwise
  std::vector<step_time> steps;
  /// From the first marker sent to the commit; zero unless committed.
  std::chrono::nanoseconds mark_to_commit{0};
  std::string cause{}; ///< why it was asked for, if that was said: what a policy has measured
};

/// How often something took how long.
struct duration_histogram {
  /// Upper bounds, inclusive; what is above the last one is counted behind it.
  static constexpr std::array<std::chrono::nanoseconds, 16> bounds = [] {
    std::array<std::chrono::nanoseconds, 16> made{};
    std::size_t i = 0;
    for (const int us : {100, 250, 500, 1'000, 2'500, 5'000, 10'000, 25'000, 50'000, 100'000,
                         250'000, 500'000, 1'000'000, 2'500'000, 5'000'000, 10'000'000})
      made[i++] = std::chrono::microseconds(us);
    return made;
  }();

  std::array<std::uint64_t, bounds.size() + 1> counts{}; ///< of each alone
  std::chrono::nanoseconds sum{0};

  void note(std::chrono::nanoseconds took) noexcept;
};

/// All transitions since the service began, also those that the history has forgotten.
struct transition_totals {
  std::array<std::uint64_t, 4> by_outcome{}; ///< by `transition_outcome`
  // Of those that committed:
  std::map<std::string, duration_histogram> steps; ///< by `step_time::step`
  duration_histogram whole, mark_to_commit;

  void note(const history_entry& entry);
};

/// The newest checkpoint that this process has written, or began from.
struct checkpoint_seen {
  std::chrono::system_clock::time_point when;
  epoch_t epoch = 0;
  std::uint64_t bytes = 0;
};

/// A transition that has no outcome yet.
struct transition_status {
  std::uint64_t id = 0; ///< the same as in the history
  epoch_t epoch = 0;    ///< 0 while it waits for its turn
  std::string who, what;
  std::string step;             ///< waiting, or as in `step_time`
  std::string waiting_for;      ///< operators that the step waits for
  std::vector<step_time> steps; ///< those that are over
  /// Entries of keyed state that have gone to successors, of so many; while it flows.
  std::uint64_t entries_moved = 0, entries_total = 0;
};

struct service_status {
  std::string name;
  std::string graph_file;
  std::string version; ///< of instar
  int pid = 0;
  epoch_t epoch = 0;
  std::chrono::system_clock::time_point started;
  std::string phase;      ///< starting, running, stopping, stopped
  std::string transition; ///< what runs now; empty if none
  std::size_t queued_transitions = 0;
  std::vector<transition_status> transitions; ///< those that run, then those that wait
  std::vector<operator_status> operators;
  std::vector<arc_status> arcs;
  std::size_t modules_loaded = 0;     ///< now
  std::uint64_t modules_unloaded = 0; ///< verified to be gone
  std::uint64_t modules_stuck = 0;    ///< closed, but still mapped
  std::size_t resident_bytes = 0;
};

} // namespace instar
