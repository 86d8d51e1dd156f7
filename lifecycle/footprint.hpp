#pragma once

#include "lifecycle/plan.hpp"

#include <optional>
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
  names changed;   ///< operators that change, in the running graph and in the wanted one
  /// Operators that arcs lead to from those; nothing = not looked up.
  std::optional<names> below{};

  /// Nothing of one is touched by the other.
  bool disjoint(const footprint& other) const;
  /// Somebody of this waits at its cut for room that somebody of the other has to make. What is
  /// below has to be known.
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
               const std::vector<const footprint*>& waiting);

} // namespace instar
