#pragma once

#include "actors/packet.hpp"

#include <cstddef>
#include <vector>

namespace instar {

/// Decides when an operator has reached its cut of an epoch.
///
/// The cut is reached once every in-arc that carries a marker of the epoch has delivered it. Until
/// then nothing more may be taken from an arc that has: it belongs to the state after the cut.
/// (Alignment of Chandy-Lamport markers over FIFO channels.)
///
/// Not thread-safe: owned by one operator, touched only from its handlers.
class marker_aligner {
public:
  enum class verdict {
    stale,    ///< of an epoch that is not under way here: drop the marker, go on
    waiting,  ///< hold this arc until the others follow
    complete, ///< the cut is reached
  };

  /// Starts waiting for `epoch` on the in-arcs for which `expected` is true. With none expected,
  /// the cut is reached when `enter` is called.
  void begin(epoch_t epoch, std::vector<bool> expected);

  /// Notes the marker of `epoch` on in-arc `arc`.
  verdict on_marker(std::size_t arc, epoch_t epoch);

  /// The supervisor's message that takes the marker's place at a head of the region.
  verdict enter(epoch_t epoch);

  /// Nothing may be taken from this arc now.
  bool held(std::size_t arc) const {
    return epoch_ != 0 && (complete_ || (arc < delivered_.size() && delivered_[arc]));
  }

  bool active() const { return epoch_ != 0; }
  bool complete() const { return complete_; }
  epoch_t epoch() const { return epoch_; }

  /// Forgets the epoch: passed, committed or rolled back. Held arcs are open again.
  void finish();

private:
  epoch_t epoch_ = 0;
  bool complete_ = false;
  std::size_t missing_ = 0;
  std::vector<bool> expected_;
  std::vector<bool> delivered_;
};

} // namespace instar
