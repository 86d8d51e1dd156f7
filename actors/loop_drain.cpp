#include "actors/loop_drain.hpp"

#include "actors/doorbell.hpp"

#include <cstdint>
#include <utility>

namespace instar {

void loop_drain::close(std::size_t ways) noexcept {
  if (open_.fetch_sub(ways, std::memory_order_acq_rel) == ways && stirring() > 0) ring_members();
}

void loop_drain::settle() noexcept {
  if (stirring_.fetch_sub(1, std::memory_order_acq_rel) == 1 && !open()) ring_members();
}

void loop_drain::ring_members() noexcept {
  for (const auto& bell : members_) bell->ring();
}

bool loop_drain::empty() {
  // Once a head has passed, there may be markers in the loops and packets behind them.
  if (empty_.load(std::memory_order_acquire)) return true;
  if (open()) return false;
  std::vector<std::uint64_t> seen;
  seen.reserve(arcs_.size());
  for (const auto& a : arcs_) {
    const auto after = a->empty_after();
    if (!after) return false;
    seen.push_back(*after);
  }
  if (stirring() > 0) return false;
  for (std::size_t i = 0; i < arcs_.size(); ++i)
    if (arcs_[i]->empty_after() != seen[i]) return false;
  std::lock_guard lock(guard_);
  if (seen_.empty()) seen_ = std::move(seen);
  empty_.store(true, std::memory_order_release);
  return true;
}

bool loop_drain::moved(const arc& one) {
  std::lock_guard lock(guard_);
  for (std::size_t i = 0; i < seen_.size(); ++i)
    if (arcs_[i].get() == &one) return one.pushed() != seen_[i];
  return true; // they have not been seen empty
}

std::size_t loop_drain::packets() const noexcept {
  std::size_t sum = 0;
  for (const auto& a : arcs_) sum += a->queued();
  return sum;
}

std::uint64_t loop_drain::awaited() const noexcept {
  std::uint64_t sum = 0;
  for (const auto& a : arcs_) sum += a->awaited();
  return sum;
}

} // namespace instar
