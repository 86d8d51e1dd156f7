#include "actors/call_port.hpp"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>
#include <thread>
#include <utility>

namespace instar {

namespace {

constexpr auto for_ever = std::chrono::nanoseconds::max();

bool membarrier(int command) { return ::syscall(SYS_membarrier, command, 0, 0) == 0; }

} // namespace

call_port::call_port(std::string name, std::string_view interface_name)
    : fences_(!membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED)),
      slots_(std::make_unique<call_slot[]>(most_callers)), name_(std::move(name)),
      interface_name_(interface_name) {
  for (std::size_t i = 0; i < most_callers; ++i) slots_[i].index_ = i;
}

// -- callers --------------------------------------------------------------------------------------

call_slot& call_port::join() {
  std::lock_guard lock(guard_);
  if (!free_.empty()) {
    // The lowest: objects look at all slots up to the highest that was used.
    const auto lowest = std::min_element(free_.begin(), free_.end());
    auto& slot = slots_[*lowest];
    free_.erase(lowest);
    return slot;
  }
  const auto next = used_.load(std::memory_order_relaxed);
  if (next == most_callers)
    throw std::runtime_error("call port '" + name_ + "' has " + std::to_string(most_callers) +
                             " callers already; let some of them share one");
  free_.reserve(most_callers); // `leave` must not fail
  used_.store(next + 1, std::memory_order_release);
  return slots_[next];
}

void call_port::leave(call_slot& by) noexcept {
  std::lock_guard lock(guard_);
  free_.push_back(by.index());
}

/// Nobody serves, or what serves is being exchanged.
call_port::target call_port::enter_later(call_slot& by) noexcept {
  for (;;) {
    exit(by);
    const int now = state_.load(std::memory_order_acquire);
    if (now == vacant) return target(0);
    if (now == closed) {
      waiting_.fetch_add(1, std::memory_order_relaxed);
      state_.wait(closed, std::memory_order_acquire);
      waiting_.fetch_sub(1, std::memory_order_relaxed);
    }
    by.step(std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (const target there(target_.load(std::memory_order_acquire)); there) return there;
  }
}

bool call_port::await(std::chrono::nanoseconds patience) const {
  constexpr auto pause = std::chrono::microseconds(200);
  const auto began = std::chrono::steady_clock::now();
  while (state_.load(std::memory_order_acquire) == vacant) {
    if (std::chrono::steady_clock::now() - began >= patience) return false;
    std::this_thread::sleep_for(pause);
  }
  return true;
}

// -- who serves -----------------------------------------------------------------------------------

void call_port::set(state now) noexcept {
  // Whoever finds no target looks at the state, and must not find the one before.
  if (now != served) target_.store(0, std::memory_order_seq_cst);
  state_.store(now, std::memory_order_seq_cst);
  if (now == served) target_.store(current_, std::memory_order_seq_cst);
  if (now != closed) state_.notify_all();
}

std::vector<call_port::call_inside> call_port::calls_inside() const {
  std::vector<call_inside> all;
  const auto used = used_.load(std::memory_order_acquire);
  for (std::size_t i = 0; i < used; ++i)
    if (const auto turn = slots_[i].turn_.load(std::memory_order_acquire); turn % 2 != 0)
      all.push_back({i, turn});
  return all;
}

/// Waits for the calls that may have an object, after `target_` was set to 0. A caller's store
/// to its line may still be on its way when its load of the target has been done: after the
/// barrier, which every thread of the process takes part in, either its line shows the call, or it
/// finds nobody (Dekker, with all of the fence on this side).
bool call_port::drained(std::chrono::nanoseconds patience) noexcept {
  if (fences_ || !membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED))
    std::atomic_thread_fence(std::memory_order_seq_cst);
  constexpr int looks_at_first = 64;
  constexpr auto pause = std::chrono::microseconds(10);
  const auto began = std::chrono::steady_clock::now();
  auto inside = calls_inside();
  for (int looks = 0;; ++looks) {
    std::erase_if(inside, [&](const call_inside& c) {
      return slots_[c.slot].turn_.load(std::memory_order_acquire) != c.turn;
    });
    if (inside.empty()) return true;
    if (looks < looks_at_first) continue;
    if (std::chrono::steady_clock::now() - began >= patience) return false;
    std::this_thread::sleep_for(pause); // a caller may need this processor
  }
}

void call_port::open(const void* owner, void* object) noexcept {
  std::lock_guard lock(guard_);
  if (state_.load(std::memory_order_relaxed) == served) {
    set(closed);
    drained(for_ever);
  }
  owner_ = owner;
  odd_ = !odd_;
  current_ = reinterpret_cast<std::uintptr_t>(object) + odd_;
  set(served);
}

bool call_port::try_close(const void* owner, std::chrono::nanoseconds patience) noexcept {
  std::lock_guard lock(guard_);
  if (owner_ != owner) return false;
  if (state_.load(std::memory_order_relaxed) == closed) return true;
  set(closed);
  if (drained(patience)) return true;
  set(served);
  return false;
}

bool call_port::close(const void* owner) noexcept { return try_close(owner, for_ever); }

void call_port::reopen(const void* owner) noexcept {
  std::lock_guard lock(guard_);
  if (owner_ == owner && state_.load(std::memory_order_relaxed) == closed) set(served);
}

void call_port::give_up(const void* owner, std::chrono::nanoseconds heir_comes_within) noexcept {
  constexpr auto pause = std::chrono::milliseconds(1);
  const auto began = std::chrono::steady_clock::now();
  std::unique_lock lock(guard_);
  while (owner_ == owner && state_.load(std::memory_order_relaxed) == closed &&
         std::chrono::steady_clock::now() - began < heir_comes_within) {
    lock.unlock();
    std::this_thread::sleep_for(pause);
    lock.lock();
  }
  if (owner_ != owner) return;
  set(vacant);
  drained(for_ever);
  owner_ = nullptr;
  current_ = 0;
}

std::uint64_t call_port::counted(std::size_t kind) const noexcept {
  std::uint64_t sum = 0;
  const auto used = used_.load(std::memory_order_acquire);
  for (std::size_t i = 0; i < used; ++i) sum += slots_[i].counted(kind);
  return sum;
}

} // namespace instar
