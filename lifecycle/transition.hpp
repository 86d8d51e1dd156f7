#pragma once

#include "actors/messages.hpp"
#include "actors/status.hpp"
#include "lifecycle/plan.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace instar {

/// The state machine of one transition after its plan: prepare → copy → mark → restore → commit →
/// retire.
///
/// Pure: it is told what participants report and answers what is to be done; the supervisor does
/// it. What it guarantees: the commit is answered exactly once, only after every participant has
/// reached its cut and every successor holds its state; after `aborted` nothing is committed.
class transition {
public:
  using clock = std::chrono::steady_clock;

  /// `mark` lasts until all that are awaited stand at their cuts: the time to quiescence. `restore`
  /// lasts until their successors hold the states; a checkpoint has none, and is in `mark` until it
  /// is written.
  enum class step { prepare, copy, mark, restore, commit, retire, done, aborted };

  transition(epoch_t epoch, const transition_plan& plan, clock::time_point now);

  epoch_t epoch() const { return epoch_; }
  /// Of all that have to be ready, and of all whose keyed state goes ahead. Whoever completes the
  /// last of these that there are sends the markers: `before_markers`.
  const std::shared_ptr<ballot>& votes() const { return votes_cast_; }
  const std::shared_ptr<ballot>& copies() const { return copies_cast_; }
  ballot& before_markers() const { return copies_all_ == 0 ? *votes_cast_ : *copies_cast_; }
  /// Of all that markers only pass to push out what is under way.
  const std::shared_ptr<ballot>& passed() const { return passed_; }
  /// Of all that are awaited at their cuts, and of all successors that are to hold state.
  const std::shared_ptr<ballot>& at_cuts() const { return at_cuts_; }
  const std::shared_ptr<ballot>& restored() const { return restored_; }

  step current() const { return step_; }
  /// What the supervisor has to do after a report.
  enum class action {
    none,
    copy,   ///< all have voted: keyed state may begin to flow
    mark,   ///< all has flowed, the markers have been sent
    commit, ///< all stand at their cuts, all state is restored: point of no return
    retire, ///< all of the new graph runs: what is left of the old one may end
    abort,  ///< somebody cannot: take everything back, for `reason()`
    finish, ///< everything old has ended
  };
  /// Takes a report of this epoch; those of other epochs are the caller's to drop. One that
  /// is a vote stands for all in its ballot.
  action on_report(const report_message& report, clock::time_point now);

  /// With nobody to wait for, a step is over as soon as it begins.
  action proceed(clock::time_point now);

  /// The deadline has come, or somebody cancelled: gives up unless the commit has been decided.
  action give_up(std::string reason, clock::time_point now);

  /// All of the new graph runs, and somebody whom the markers only pass has not let them pass yet.
  bool flushes() const;
  /// Nobody is waited for any more whom the markers would only pass; for that reason, which is told
  /// with the outcome.
  void end_flush(std::string reason);

  /// The point of no return has been passed.
  bool decided() const {
    return step_ == step::commit || step_ == step::retire || step_ == step::done;
  }

  /// Who is waited for, and why as far as is known; for the reason of a missed deadline.
  std::string waiting_for() const;

  /// Entries of keyed state that have gone to successors, of so many; zeros if none flows.
  struct flow {
    std::uint64_t moved = 0, total = 0;
  };
  flow state_flow() const;

  const std::string& reason() const { return reason_; }
  bool markers_sent() const { return marked_; }
  std::vector<step_time> times() const { return times_; }
  clock::duration mark_to_commit() const { return mark_to_commit_; }

private:
  using awaited = std::set<std::pair<report_kind, std::string>>;

  action enter(step next, clock::time_point now);
  bool all_at_cuts() const;
  clock::time_point no_later(clock::time_point done, clock::time_point now) const;
  void delayed_no_more(const ballot& in);
  awaited missing() const;

  const epoch_t epoch_;
  const bool saves_;
  step step_ = step::prepare;
  bool marked_ = false;
  awaited votes_, copies_, cuts_, running_, ended_;
  std::size_t copies_all_ = 0;
  std::shared_ptr<ballot> votes_cast_, copies_cast_, at_cuts_, restored_, passed_;
  std::map<std::string, flow> flows_; ///< by who told
  std::map<std::string, std::string> delays_;
  std::string reason_;
  clock::time_point step_began_;
  clock::time_point mark_began_{};
  clock::time_point last_cut_{}; ///< may be heard of before the last vote
  clock::duration mark_to_commit_{0};
  std::vector<step_time> times_;
};

const char* to_string(transition::step step);

} // namespace instar
