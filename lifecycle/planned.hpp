#pragma once

#include "lifecycle/footprint.hpp"
#include "lifecycle/plan.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace instar {

/// A wanted change, checked and planned against the graph that runs.
struct planned {
  transition_plan plan;
  /// The wanted graph as it was written, and checked. If only some operators are exchanged, the
  /// part of it that is concerned (of `given` the exchanged ones alone).
  graph given;
  typed_graph wanted;
  bool whole = true;       ///< says what the whole graph shall be, not only some operators of it
  std::uint64_t as_of = 0; ///< the generation of the running graph that it was planned against
  footprint touches;
  /// Restored operators, by wanted name, and what the checkpoint calls those that they go on from:
  /// with all of their state, or where `state_from` names replicas with what has no keys.
  std::map<std::string, std::string> restores;
};

} // namespace instar
