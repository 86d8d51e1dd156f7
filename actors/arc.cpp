#include "actors/arc.hpp"

#include <bit>
#include <utility>

namespace instar {

arc::arc(std::string name, std::size_t capacity)
    : capacity_(capacity), mask_(std::bit_ceil(capacity + marker_room) - 1),
      slots_(std::make_unique_for_overwrite<slot[]>(mask_ + 1)), name_(std::move(name)) {}

arc::~arc() {
  for (auto i = consumer_.head; i != producer_.tail; ++i) {
    payload* body = slots_[i & mask_].body;
    if (body && body != marker_tag()) body->release();
  }
}

std::size_t arc::queued() const noexcept {
  const auto head = head_.load(std::memory_order_acquire);
  const auto tail = tail_.load(std::memory_order_acquire);
  return tail > head ? tail - head : 0;
}

bool arc::push_marker(epoch_t epoch) noexcept {
  if (producer_.tail - head_.load(std::memory_order_acquire) >= capacity_ + marker_room)
    return false;
  slots_[producer_.tail++ & mask_] = {marker_tag(), epoch};
  return true;
}

bool arc::refresh_credit() noexcept {
  producer_.head_seen = head_.load(std::memory_order_acquire);
  return producer_.tail - producer_.head_seen < capacity_;
}

// Producer: raise the flag, then look at the head. Consumer: move the head, then look at the flag.
// With a full fence between the two on both sides (the consumer's is its caller's), one of them
// sees the other.
bool arc::await_credit() noexcept {
  starved_.store(true, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (!refresh_credit()) return false;
  starved_.store(false, std::memory_order_relaxed);
  return true;
}

bool arc::take_starved() noexcept {
  // Half of the credit at once: a producer that is woken for every single packet would run in
  // batches of one.
  const auto held = tail_.load(std::memory_order_acquire) - consumer_.head;
  if (held > capacity_ / 2) return false;
  return starved_.exchange(false, std::memory_order_relaxed);
}

} // namespace instar
