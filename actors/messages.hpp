#pragma once

#include "actors/operator_core.hpp"
#include "actors/report_kind.hpp"

#include <caf/actor.hpp>
#include <caf/allowed_unsafe_message_type.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// The messages between supervisor and runners. All are host-owned and stay in the process;
/// packets never travel as messages (see arc.hpp).
namespace instar {

// -- supervisor to runner -------------------------------------------------------------------------

/// Construct the operator. Answered by `created` or `failed`.
struct create_message {};

/// Who goes on with the state of an old instance: with all of it; or, of keyed state, with what has
/// its place in a range, and with the rest if it is the one who gets that.
struct heir {
  caf::actor actor;
  place_range places;
  bool gets_rest = true;
};

/// A part in a transition. With one heir when the role is `replace`; when it is `remove` with none,
/// or all that share its keyed state. Answered by `prepared` or `failed`.
struct prepare_message {
  participation part;
  std::vector<heir> heirs;
};

/// All are ready: keyed state may begin to flow. Answered by `copied` or `failed`.
struct copy_message {
  epoch_t epoch = 0;
};

/// The markers go in: at a head of the region this is the marker; to all others with a part it says
/// that one is on its way. Sent by the runner that is the last to be ready (see ballot).
struct mark_message {
  epoch_t epoch = 0;
};

/// The point of no return has been passed: do what the role says. Answered by `running`, of the
/// successor where there is one.
struct commit_message {
  epoch_t epoch = 0;
};

/// Back to the old graph. An instance that has not been started ends. After the commit, to one that
/// the markers would only pass: they will not come.
struct abort_message {
  epoch_t epoch = 0;
};

/// End at once, whatever is open. Answered by `ended`. An instance that is replaced or removed is
/// told when all of the new graph runs: to destroy it, and unload its code, may take a while.
struct end_message {
  epoch_t epoch = 0; ///< of the transition that retires it
};

// -- old instance to successor --------------------------------------------------------------------

/// A part of the keyed state. Answered by `taken_message`, or (to the supervisor) by `failed`.
struct part_message {
  epoch_t epoch = 0;
  std::uint64_t number = 0; ///< of this part among those of the instance
  sent_part part;
  bool rehearsal = false;
  caf::actor from;
};

/// The state at the cut; none without a state edge, or if all went in parts. When one from each
/// predecessor has come, answered (to the supervisor) by `restored`; or by `failed`.
struct restore_message {
  epoch_t epoch = 0;
  std::optional<state> saved;
  /// From a checkpoint: parts of keyed state, to be asked for one after the other. Of them only
  /// what has its place in this range.
  std::size_t parts = 0;
  std::function<result<state>(std::size_t)> part{};
  place_range places{};
};

/// The place is yours. Sent by the old instance at its commit, by the supervisor for a new place.
struct start_message {
  epoch_t epoch = 0;
  std::shared_ptr<handed_over> from; ///< null for a new place
};

// -- successor to old instance --------------------------------------------------------------------

/// A part has been taken over.
struct taken_message {
  epoch_t epoch = 0;
  std::uint64_t number = 0;
};

// -- runner to itself -----------------------------------------------------------------------------

struct constructed_message {
  std::shared_ptr<operator_instance> made;
  std::string thrown; ///< if `made` is null
};
struct timer_message {
  std::uint64_t id = 0;
};
struct job_message {
  std::uint64_t id = 0;
  std::optional<std::string> thrown;
};

// -- runner to supervisor -------------------------------------------------------------------------

struct report_message {
  report_kind kind = report_kind::prepared;
  epoch_t epoch = 0;
  std::string name; ///< of the operator
  std::string text{};
  std::uint64_t entries = 0, total = 0; ///< of `moved`; of `written`, `total` is its bytes
  std::chrono::steady_clock::time_point at = std::chrono::steady_clock::now(); ///< of what it tells
};

/// An operator asks for the service to be stopped, or has failed too often.
struct stop_message {
  std::string reason;
};

} // namespace instar

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(instar::create_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(instar::prepare_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(instar::copy_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(instar::part_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(instar::taken_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(instar::mark_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(instar::commit_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(instar::abort_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(instar::end_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(instar::restore_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(instar::start_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(instar::constructed_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(instar::timer_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(instar::job_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(instar::report_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(instar::stop_message)
