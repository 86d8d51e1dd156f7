#pragma once

#include "lifecycle/plan.hpp"

#include <set>
#include <string>
#include <vector>

namespace instar {

/// What a transition touches, by which two can be told to be independent of each other.
///
/// Two that do not overlap may run at the same time, and either may fail: in whatever order they
/// end, each finds what its plan was made for, and the graph that results is as good as if it had
/// been planned as a whole.
struct footprint {
  using names = std::set<std::string, std::less<>>;

  names operators; ///< change, or are crossed by the markers; under old and new names
  names arcs;      ///< carry what an operator that changes sends or gets
  names below;     ///< operators that arcs lead to from those that change

  /// Nothing of one is touched by the other.
  bool disjoint(const footprint& other) const;
  /// Somebody of this waits at its cut for room that somebody of the other has to make.
  bool waits_for(const footprint& other) const;
};

/// What `plan` touches. `named` are operators that the order speaks of; if nothing is to change at
/// them, this holds only until somebody else changes them.
///
/// In the footprint are the region of the markers; loops that are emptied; the arcs at operators
/// that change, also through operators that pass on what they get, because payload types have to
/// fit along them; and where arcs are added or removed, or an operator begins or ceases to split
/// requests, everything below: there the regions of others would be different ones.
footprint make_footprint(const transition_plan& plan, const typed_graph& running,
                         const typed_graph& wanted, const std::vector<std::string>& named = {});

/// Whether a transition may start while others run and others, asked for earlier, wait. It may not
/// overlap with either, nor close a circle of those that wait for each other's room.
bool may_start(const footprint& candidate, const std::vector<const footprint*>& running,
               const std::vector<footprint>& waiting);

} // namespace instar
