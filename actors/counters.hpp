#pragma once

#include <atomic>
#include <cstdint>

namespace instar {

/// A counter with one writer and any number of readers.
class counter {
public:
  void add(std::uint64_t n = 1) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void set(std::uint64_t n) noexcept { value_.store(n, std::memory_order_relaxed); }
  std::uint64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }

private:
  std::atomic<std::uint64_t> value_{0};
};

/// What an operator's place counts. Written by the actor that runs the operator, and goes on
/// over updates.
struct operator_counters {
  counter packets_in, packets_out, events, activations, blocked, errors, restarts;
  counter late_answers; ///< dropped: to a request that was not open any more
  counter entries;      ///< of its keyed state now
  /// Of several that share packets: the key that comes most often, how often among how many.
  counter hot_key, hot_seen, keys_seen;
  counter busy_ns; ///< sampled: every 16th activation is timed and counts sixteenfold
};

} // namespace instar
