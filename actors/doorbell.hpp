#pragma once

#include <caf/actor_control_block.hpp>
#include <caf/atom.hpp>

#include <atomic>

namespace instar {

using wake_atom = caf::atom_constant<caf::atom("wake")>;

/// Wakes the actor that runs an operator when something has become ready for it: a packet, credit,
/// an event. One per operator's place in the graph; it stays when the operator is replaced.
///
/// The bell is *armed* while its owner sleeps. Whoever disarms it owns it: a ringer that disarms
/// it sends the wake message, and only the owner or that ringer ever looks at the target. So the
/// target can pass from an old instance to its successor without a lock and without a moment in
/// which a ring is lost.
class doorbell {
public:
  /// Wakes the owner if it sleeps; else does nothing. Any thread. What the ringer has published
  /// before is seen by the owner.
  void ring() {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    ring_fenced();
  }

  /// The same for a ringer that has published, and passed a full fence since.
  void ring_fenced() {
    if (armed_.load(std::memory_order_relaxed) && disarm()) wake();
  }

  /// Owner only: from now on a ring wakes. After a full fence the owner must look for work once
  /// more.
  void arm() { armed_.store(true, std::memory_order_release); }

  /// Returns whether the caller has taken the bell out of the armed state.
  bool disarm() { return armed_.exchange(false, std::memory_order_acq_rel); }

  /// Owner only, and only while not armed: who is woken from now on.
  void set_target(caf::strong_actor_ptr target) { target_ = std::move(target); }

private:
  void wake();

  std::atomic<bool> armed_{false};
  caf::strong_actor_ptr target_;
};

} // namespace instar
