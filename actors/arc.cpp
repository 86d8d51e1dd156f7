#include "actors/arc.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <utility>

namespace instar {

arc::arc(std::string name, std::size_t capacity, bool feedback)
    : capacity_(capacity), feedback_(feedback), mask_(std::bit_ceil(capacity + marker_room) - 1),
      slots_(std::make_unique_for_overwrite<slot[]>(mask_ + 1)), name_(std::move(name)) {}

arc::~arc() {
  for (auto i = consumer_.head; i != producer_.tail; ++i) {
    payload* body = slots_[i & mask_].body;
    if (body && body != marker_tag()) body->release();
  }
}

// Read in the order head, overflow, tail: what has left the overflow meanwhile is in the tail.
std::size_t arc::queued() const noexcept {
  const auto head = head_.load(std::memory_order_acquire);
  const auto overflow = overflow_shown_.load(std::memory_order_acquire);
  const auto tail = tail_.load(std::memory_order_acquire);
  return (tail > head ? tail - head : 0) + overflow;
}

// An overflow begins only behind a full ring, so between two answers with the same tail there was
// none.
std::optional<std::uint64_t> arc::empty_after() const noexcept {
  const auto head = head_.load(std::memory_order_acquire);
  const auto overflow = overflow_shown_.load(std::memory_order_acquire);
  const auto tail = tail_.load(std::memory_order_acquire);
  if (overflow > 0 || tail != head || awaited() > 0) return std::nullopt;
  return tail;
}

bool arc::push_beyond(packet&& p) {
  if (overflow_.empty() && refresh_credit()) {
    stage(std::move(p));
    return true;
  }
  overflow_.push_back(std::move(p));
  show_overflow();
  return false;
}

bool arc::retry() noexcept {
  while (!overflow_.empty() &&
         (producer_.tail - producer_.head_seen < capacity_ || refresh_credit())) {
    stage(std::move(overflow_.front()));
    overflow_.pop_front();
    producer_.overflow_moved = true;
  }
  return overflow_.empty();
}

void arc::show_overflow() noexcept {
  producer_.overflow_moved = false;
  overflow_shown_.store(overflow_.size(), std::memory_order_release);
}

bool arc::push_marker(epoch_t epoch) noexcept {
  assert(overflow_.empty() && !feedback_);
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
  // Not kept as `head_seen`: a packet pushed next would overtake the overflow.
  if (producer_.tail - head_.load(std::memory_order_acquire) >= capacity_) return false;
  starved_.store(false, std::memory_order_relaxed);
  return true;
}

bool arc::marker_in_sight() noexcept {
  auto& at = consumer_.searched;
  consumer_.tail_seen = tail_.load(std::memory_order_acquire);
  at = std::max(at, consumer_.head);
  while (at != consumer_.tail_seen && slots_[at & mask_].body != marker_tag()) ++at;
  return at != consumer_.tail_seen;
}

bool arc::take_starved() noexcept {
  // Half of the credit at once: a producer that is woken for every single packet would run in
  // batches of one.
  const auto held = tail_.load(std::memory_order_acquire) - consumer_.head;
  if (held > capacity_ / 2) return false;
  return starved_.exchange(false, std::memory_order_relaxed);
}

} // namespace instar
