#pragma once

#include <cstdint>
#include <string>

namespace instar::bench {

/// Which counter serves, and who exchanges it.
enum class counter_run { partitioned, shared, swapped, policy };

struct phase_times {
  double updates_ms = 0, reads_ms = 0;
  double exchanged_after_ms = 0; ///< from the barrier on; 0 if nobody did
};

/// K42's two phases: every thread adds so often, all wait for each other, every thread reads as
/// often. `swapped`: from partitioned to shared; the command is given at the barrier, and nobody
/// waits for its end. `policy`: a rule asks for it. Throws if the counter has lost or repeated an
/// addition.
phase_times run_phases(const std::string& modules, counter_run kind, unsigned threads,
                       std::uint64_t operations);

} // namespace instar::bench
