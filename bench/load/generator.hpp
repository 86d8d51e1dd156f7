#pragma once

#include "targets.hpp"
#include "timeline.hpp"

#include <chrono>
#include <csignal>
#include <cstdint>
#include <vector>

namespace instar::load {

struct run_options {
  endpoint server;
  std::size_t clients = 1;
  std::chrono::nanoseconds duration = std::chrono::seconds(10);
  /// Zero: closed loop, a client asks again as soon as it was answered. Else open loop: each
  /// client's requests are due at this interval, whether or not the earlier ones were answered.
  std::chrono::nanoseconds period{0};
  std::chrono::nanoseconds timeout = std::chrono::seconds(5);
  std::uint64_t seed = 1;
};

struct run_result {
  std::int64_t begin = 0, end = 0; ///< CLOCK_MONOTONIC
  std::vector<request_record> records;
};

/// Connects all clients, then asks for random targets until the duration is over and those asked
/// by then are answered, failed or timed out. A failed request is not repeated. One thread.
/// `stop` (may be null) ends it early when it becomes true.
/// Throws `std::runtime_error` if the server cannot be reached at the start.
run_result run(const run_options& options, const target_set& targets,
               void (*started)(std::int64_t begin), const volatile std::sig_atomic_t* stop);

} // namespace instar::load
