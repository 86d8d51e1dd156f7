#pragma once

#include "targets.hpp"
#include "timeline.hpp"

#include <chrono>
#include <csignal>
#include <cstdint>
#include <vector>

namespace instar::load {

/// Clients that ask alike: each for random ones of the group's targets.
struct client_group {
  std::size_t clients = 1;
  std::size_t first_target = 0, targets = 1; ///< which of the `target_set` they ask for
  /// Zero: closed loop, a client asks again as soon as it was answered. Else open loop: each
  /// client's requests are due at this interval, whether or not the earlier ones were answered.
  std::chrono::nanoseconds period{0};
};

struct run_options {
  endpoint server;
  std::vector<client_group> groups; ///< all at once; a record tells its group by the index here
  std::chrono::nanoseconds duration = std::chrono::seconds(10);
  std::chrono::nanoseconds timeout = std::chrono::seconds(5);
  std::uint64_t seed = 1;
};

struct run_result {
  std::int64_t begin = 0, end = 0; ///< CLOCK_MONOTONIC
  std::vector<request_record> records;
};

/// Connects all clients, then asks for random targets until the duration is over and those asked
/// by then are answered, failed or timed out. A failed request is not repeated. A thread per group,
/// so that one that reads large answers does not hold up the clock of another.
/// `stop` (may be null) ends it early when it becomes true. Records are in the order of their ends.
/// Throws `std::runtime_error` if the server cannot be reached at the start.
run_result run(const run_options& options, const target_set& targets,
               void (*started)(std::int64_t begin), const volatile std::sig_atomic_t* stop);

} // namespace instar::load
