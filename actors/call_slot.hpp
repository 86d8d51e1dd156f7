#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace instar {

/// Two cache lines: processors fetch them in pairs.
inline constexpr std::size_t undisturbed = 128;

/// What a call port knows of one of its callers. Only the caller's thread writes it, in a line of
/// its own, so that callers do not disturb each other.
class alignas(undisturbed) call_slot {
public:
  static constexpr std::size_t kinds = 4; ///< of what the objects that are called may count

  /// Below `call_port::most_callers`, and that of no other caller of the port at the time.
  std::size_t index() const noexcept { return index_; }

  /// For the object that is called: one more of something. Goes on when objects are exchanged.
  void count(std::size_t kind) noexcept {
    counts_[kind].store(counts_[kind].load(std::memory_order_relaxed) + 1,
                        std::memory_order_relaxed);
  }
  std::uint64_t counted(std::size_t kind) const noexcept {
    return counts_[kind].load(std::memory_order_relaxed);
  }

  /// For the object that is called: what it remembers of this caller. May be of an earlier object,
  /// or of an earlier caller.
  std::uint64_t note = 0;

private:
  friend class call_port;

  void step(std::memory_order order) noexcept {
    turn_.store(turn_.load(std::memory_order_relaxed) + 1, order);
  }

  std::atomic<std::uint64_t> turn_{0}; // odd while it is in a call
  std::atomic<std::uint64_t> counts_[kinds] = {};
  std::size_t index_ = 0;
};

} // namespace instar
