#pragma once

#include "actors/arc.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace instar {

class doorbell;

/// The loops that a transition empties before its markers pass their heads: shared by the operators
/// that take part in this.
///
/// Packets come into the loops by *ways*: through the heads, and along arcs that lead in elsewhere.
/// Each is closed by the operator at its end, once it takes nothing more from there.
///
/// A member of the loops *stirs* as long as it may emit for something else than the packet that it
/// is given just then: it has blocking work open, keeps packets that have yet to leave, or works on
/// a thread that is not at rest. What such a thread had not finished when it came to rest is in its
/// operator's state, and no longer in the loops.
///
/// With all ways closed what is in the loops only becomes less, unless an operator that does not
/// stir emits by itself (events, timers); and once they were seen empty they stay so.
class loop_drain {
public:
  /// `arcs` are all arcs of the loops; `ways` is how many have to be closed. If somebody stirs when
  /// the last one is, and again when nobody does any more, the `members` are rung.
  loop_drain(std::vector<std::shared_ptr<arc>> arcs, std::size_t ways,
             std::vector<std::shared_ptr<doorbell>> members = {})
      : arcs_(std::move(arcs)), members_(std::move(members)), open_(ways) {}

  /// Called by the operator at a way's end, after it has published (`arc::publish`) all that it
  /// made of what came along it.
  void close(std::size_t ways = 1) noexcept;

  /// Whether some way is still open.
  bool open() const noexcept { return open_.load(std::memory_order_acquire) > 0; }

  /// A member stirs: told before any way is closed, or before it releases the packet for which it
  /// begins to.
  void stir() noexcept { stirring_.fetch_add(1, std::memory_order_acq_rel); }
  /// It no longer does, and has published all that it has emitted.
  void settle() noexcept;
  /// How many stir; a moment's value.
  std::size_t stirring() const noexcept { return stirring_.load(std::memory_order_acquire); }

  /// Whether all ways are closed and the loops were empty at some moment since. The caller has
  /// published and released all that it holds itself.
  ///
  /// Every arc is read twice, and whether somebody stirs in between. An operator publishes what it
  /// has made of a packet before it releases that packet, or stirs from before it releases it until
  /// it has published. So if between the two readings no arc has changed, all were empty, and
  /// nobody stirred, then whatever was made of what had left is among what was seen to have left:
  /// nothing was under way in anybody's hands either.
  bool empty();

  /// Whether something was pushed into one of the loops' arcs since they were seen empty. By the
  /// arc's producer, after it has published.
  bool moved(const arc& one);

  /// Packets in the loops; a moment's value.
  std::size_t packets() const noexcept;
  /// Answers that are still to come along the loops' arcs; a moment's value. Their questions may be
  /// in nobody's arc, but in the state of who was asked: they count as being in the loop.
  std::uint64_t awaited() const noexcept;

private:
  void ring_members() noexcept;

  const std::vector<std::shared_ptr<arc>> arcs_;
  const std::vector<std::shared_ptr<doorbell>> members_;
  std::atomic<std::size_t> open_;
  std::atomic<std::size_t> stirring_{0};
  std::atomic<bool> empty_{false};
  std::mutex guard_;
  std::vector<std::uint64_t> seen_; // by arc: what it had ever held when they were seen empty
};

} // namespace instar
