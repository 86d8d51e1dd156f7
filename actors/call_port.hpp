#pragma once

#include "actors/call_slot.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace instar {

/// Where threads call an object directly, while whoever serves there is exchanged: for what is too
/// small and too frequent for packets. After K42's hot-swapped objects (Soules et al., USENIX
/// 2003): between two objects calls wait, those that have begun end first, and no call is lost or
/// meets half an object.
///
/// Callers use `caller`, operators `call_seat`. A call must not call the same port again, and ends
/// by itself: while it lasts nobody can be exchanged.
///
/// To enter takes two stores to the caller's own line, and loads of what nobody writes: no locked
/// instruction, no fence. Whoever exchanges pays for that, with a `membarrier`. Where the kernel
/// has none, callers fence.
class call_port {
public:
  static constexpr std::size_t most_callers = 256;

  call_port(std::string name, std::string_view interface_name);
  call_port(const call_port&) = delete;
  call_port& operator=(const call_port&) = delete;

  const std::string& name() const noexcept { return name_; }
  const std::string& interface_name() const noexcept { return interface_name_; }

  // -- callers ------------------------------------------------------------------------------------

  /// A slot for one caller. Throws `std::runtime_error` if there are `most_callers` already.
  call_slot& join();
  void leave(call_slot& by) noexcept;

  /// Whom to call: null if nobody serves.
  class target {
  public:
    explicit operator bool() const noexcept { return bits_ != 0; }
    void* object() const noexcept { return reinterpret_cast<void*>(bits_ & ~std::uintptr_t{1}); }
    /// Whether it took over from one that is even; see `caller`.
    bool odd() const noexcept { return bits_ & 1; }

  private:
    friend class call_port;
    explicit target(std::uintptr_t bits) noexcept : bits_(bits) {}
    std::uintptr_t bits_; // the address; objects have even ones
  };

  /// The object to call; waits while it is being exchanged. If anybody serves, `exit` has to
  /// follow.
  target enter(call_slot& by) noexcept {
    by.step(std::memory_order_relaxed);
    if (fences_) std::atomic_thread_fence(std::memory_order_seq_cst);
    else std::atomic_signal_fence(std::memory_order_seq_cst); // see `drained`
    if (const target now(target_.load(std::memory_order_acquire)); now) [[likely]]
      return now;
    return enter_later(by);
  }
  void exit(call_slot& by) noexcept { by.step(std::memory_order_release); }

  /// Waits until somebody serves, which an operator does soon after its transition has committed.
  /// Returns whether that was within `patience`.
  bool await(std::chrono::nanoseconds patience) const;

  // -- who serves ---------------------------------------------------------------------------------

  /// From now on calls go to `object`, in the name of `owner`. Waits for those of an object before.
  void open(const void* owner, void* object) noexcept;
  /// Lets no more calls begin and waits until none lasts, but no longer than `patience`: then calls
  /// go on as before. Returns whether the port is closed; calls wait from now on. For the owner
  /// only.
  bool try_close(const void* owner, std::chrono::nanoseconds patience) noexcept;
  /// The same, for as long as it takes. True also if it is closed already.
  bool close(const void* owner) noexcept;
  /// After `close`: back to the same object. Does nothing for others than the owner.
  void reopen(const void* owner) noexcept;
  /// Nobody serves any more, and no call lasts: those that wait or come return without an object.
  /// After `close` somebody else has that long to `open`. Does nothing for others than the owner.
  void give_up(const void* owner, std::chrono::nanoseconds heir_comes_within) noexcept;

  // -- what is seen of it -------------------------------------------------------------------------

  /// Over all callers, also former ones.
  std::uint64_t counted(std::size_t kind) const noexcept;
  /// Callers that wait for an exchange to end.
  std::size_t waiting() const noexcept { return waiting_.load(std::memory_order_relaxed); }

private:
  enum state : int { vacant, served, closed };
  struct call_inside {
    std::size_t slot;
    std::uint64_t turn;
  };

  target enter_later(call_slot& by) noexcept;
  void set(state now) noexcept;
  std::vector<call_inside> calls_inside() const;
  bool drained(std::chrono::nanoseconds patience) noexcept;

  // Read by every call.
  std::atomic<std::uintptr_t> target_{0};
  const bool fences_;
  const std::unique_ptr<call_slot[]> slots_;

  alignas(undisturbed) std::atomic<int> state_{vacant}; // `target_` is 0 unless `served`
  std::atomic<std::size_t> waiting_{0};
  std::atomic<std::size_t> used_{0}; // slots that have ever been used
  mutable std::mutex guard_;         // of all below, and of who changes the state
  std::vector<std::size_t> free_;
  const void* owner_ = nullptr;
  bool odd_ = true;            // who served last
  std::uintptr_t current_ = 0; // the target, also while closed
  const std::string name_, interface_name_;
};

} // namespace instar
