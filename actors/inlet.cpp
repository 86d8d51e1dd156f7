#include "actors/inlet.hpp"

#include "actors/doorbell.hpp"

#include <iterator>
#include <utility>

namespace instar {

inlet::inlet(std::shared_ptr<doorbell> bell) : bell_(std::move(bell)) {}

void inlet::post(std::span<event> events) {
  {
    std::lock_guard lock(guard_);
    if (closed_) return;
    std::move(events.begin(), events.end(), std::back_inserter(events_));
    filled_.store(true, std::memory_order_release);
  }
  bell_->ring();
}

bool inlet::take(std::vector<event>& into) {
  if (!filled_.load(std::memory_order_acquire)) return false;
  std::lock_guard lock(guard_);
  filled_.store(false, std::memory_order_relaxed);
  if (into.empty()) into.swap(events_);
  else std::move(events_.begin(), events_.end(), std::back_inserter(into));
  events_.clear();
  return !into.empty();
}

void inlet::put_back(std::vector<event>&& undelivered) {
  if (undelivered.empty()) return;
  std::lock_guard lock(guard_);
  if (closed_) return;
  undelivered.insert(undelivered.end(), std::make_move_iterator(events_.begin()),
                     std::make_move_iterator(events_.end()));
  events_ = std::move(undelivered);
  filled_.store(true, std::memory_order_release);
}

std::size_t inlet::waiting() const {
  std::lock_guard lock(guard_);
  return events_.size();
}

void inlet::close() {
  std::vector<event> dropped;
  std::lock_guard lock(guard_);
  closed_ = true;
  dropped.swap(events_);
}

} // namespace instar
