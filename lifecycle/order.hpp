#pragma once

#include "actors/graph.hpp"
#include "actors/status.hpp"
#include "lifecycle/checkpoint_contents.hpp"
#include "lifecycle/graph_edit.hpp"
#include "lifecycle/service.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace instar {

/// What the running graph should become: a whole graph, some operators of it exchanged (of the
/// graph that runs when the order's turn comes), the graph of a former epoch, or operators put on
/// arcs for a while and taken off (of the graph that runs then, too).
using wanted_graph =
    std::variant<graph, std::vector<operator_update>, rollback_to, graph_edit, checkpoint_wish>;

/// For people, before there is a plan.
std::string describe(const wanted_graph& wanted);

/// A transition as it was asked for.
struct transition_order {
  wanted_graph wanted;
  std::string who;
  std::chrono::nanoseconds deadline{0};
  std::vector<std::string> drop_state; ///< operators whose state may be dropped
  bool stops = false;                  ///< drains: past the deadline what is left is cut off
  std::function<void(history_entry)> done;
  std::function<void(std::uint64_t id)> accepted; ///< at once, before `done`; may be empty
  std::uint64_t id = 0;                           ///< given by the supervisor
  /// States that operators begin with; only of a graph, and only if nothing runs.
  std::shared_ptr<const restore_request> restore{};
  bool automatic = false; ///< a checkpoint that nobody asked for
  std::string cause{};    ///< why, if whoever asks says so

  /// Exchanges operators of whatever graph runs; otherwise it says what the whole shall be.
  bool updates() const {
    return !stops && std::holds_alternative<std::vector<operator_update>>(wanted);
  }
};

} // namespace instar
