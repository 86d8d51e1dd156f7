#pragma once

#include <caf/resumable.hpp>

#include <array>
#include <atomic>
#include <cstdint>

namespace instar {

/// Actors that wait for their turn on one scheduler worker: a bounded FIFO without locks or
/// allocation. Its owner pushes and pops, any thread may steal.
///
/// As both take from the front, and whoever moves `head_` from `h` to `h + 1` owns what slot `h`
/// held, a slot is never written while somebody may still take it: the owner writes only where
/// `head_` has already passed.
class run_queue {
public:
  static constexpr std::uint32_t capacity = 256;

  /// Owner only. False if it is full.
  bool push(caf::resumable* job) noexcept {
    const auto tail = tail_.load(std::memory_order_relaxed);
    if (tail - head_.load(std::memory_order_acquire) == capacity) return false;
    slots_[tail % capacity].store(job, std::memory_order_relaxed);
    tail_.store(tail + 1, std::memory_order_release);
    return true;
  }

  /// Takes the oldest if at least `least` are there, else returns null. Any thread.
  caf::resumable* take(std::uint32_t least = 1) noexcept {
    auto head = head_.load(std::memory_order_acquire);
    for (;;) {
      const auto tail = tail_.load(std::memory_order_acquire);
      if (static_cast<std::int32_t>(tail - head) < static_cast<std::int32_t>(least)) return nullptr;
      auto* job = slots_[head % capacity].load(std::memory_order_relaxed);
      if (head_.compare_exchange_weak(head, head + 1, std::memory_order_acq_rel,
                                      std::memory_order_acquire))
        return job;
    }
  }

  /// A moment's value; exact for the owner if nobody steals.
  std::uint32_t size() const noexcept {
    const auto head = head_.load(std::memory_order_acquire);
    return tail_.load(std::memory_order_acquire) - head;
  }

private:
  alignas(64) std::atomic<std::uint32_t> head_{0};
  alignas(64) std::atomic<std::uint32_t> tail_{0};
  std::array<std::atomic<caf::resumable*>, capacity> slots_;
};

} // namespace instar
