#pragma once

#include "actors/graph.hpp"

#include <cstddef>
#include <vector>

namespace instar {

/// What an arc is to the loops that a transition empties.
enum class drain_part {
  none,
  inside,   ///< of a loop: nothing may be in it
  entrance, ///< leads from outside into a loop elsewhere than at its head; its marker closes it
};

/// Input of `find_drain`: the old graph's shape, operators by index.
struct drain_query {
  struct arc {
    std::size_t from = 0, to = 0;
    feedback_policy feedback = feedback_policy::none;
    bool removed = false; ///< by the transition
  };
  std::vector<arc> arcs;
  std::vector<bool> changes; ///< by operator: participates in the transition
};

/// The loops that have to be empty before the markers pass.
struct drain_need {
  std::vector<bool> heads;      ///< by operator: takes nothing from outside until they are
  std::vector<bool> crossed;    ///< by operator: in the loops, or where arcs lead in from
  std::vector<drain_part> arcs; ///< by arc
};

/// Which loops a transition has to empty: those of feedback arcs with the policy `drain` in which
/// an operator changes, and those of feedback arcs that it removes.
///
/// The *loop* of a feedback arc is every arc on which a packet that has left its head may come back
/// along it: the ordinary ways from head to tail, and the feedback arcs of loops within. All loops
/// that are to be emptied are emptied together, so that they need not wait for each other: their
/// outermost heads take nothing from outside any more, and where else arcs lead in, markers come
/// along them first.
drain_need find_drain(const drain_query& of);

/// Which operators of a graph are on cycles, and with which others.
struct cycle_groups {
  static constexpr std::size_t none = ~std::size_t{0};
  /// Cycles that have operators in common, as indexes of `graph::operators` and `graph::arcs`.
  struct group {
    std::vector<std::size_t> operators;
    std::vector<std::size_t> feedback;
  };
  std::vector<group> groups;
  std::vector<std::size_t> of; ///< by operator: its group, or `none`
};

cycle_groups find_cycles(const graph& in);

} // namespace instar
