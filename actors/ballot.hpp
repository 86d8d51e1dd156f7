#pragma once

#include "actors/report_kind.hpp"

#include <caf/actor.hpp>

#include <cstddef>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace instar {

/// Votes of all who have to be ready, at their cuts, or done, before a transition goes on. Whoever
/// casts the last one tells the supervisor: that is woken once, not once for each operator, while
/// clients wait. The last one may be given others to tell, that the markers go in: so these set out
/// from a worker that is awake, at once, and not after the supervisor was woken and has woken a
/// worker again, each of which may have to wait for a processor.
///
/// Shared by all who vote and by the supervisor; any thread.
class ballot {
public:
  using vote = std::pair<report_kind, std::string>; ///< of an operator, by name

  explicit ballot(std::size_t votes) : missing_(votes) {}

  /// Whom the last voter tells. By the supervisor, before anybody votes.
  void tell_at_last(std::vector<caf::actor> whom) {
    std::lock_guard lock(guard_);
    told_ = std::move(whom);
  }

  struct outcome {
    bool last = false; ///< the caller tells the supervisor, and these:
    std::vector<caf::actor> told;
  };
  outcome add(vote one) {
    std::lock_guard lock(guard_);
    if (closed_ || !votes_.insert(std::move(one)).second || --missing_ > 0) return {};
    return {true, std::exchange(told_, {})};
  }

  /// From now on nobody casts the last vote. Returns whether somebody has.
  bool close() {
    std::lock_guard lock(guard_);
    closed_ = true;
    told_.clear();
    return missing_ == 0;
  }

  /// Who has voted so far; a moment's value.
  std::set<vote> votes() const {
    std::lock_guard lock(guard_);
    return votes_;
  }

private:
  mutable std::mutex guard_;
  std::size_t missing_;
  bool closed_ = false;
  std::set<vote> votes_;
  std::vector<caf::actor> told_;
};

} // namespace instar
