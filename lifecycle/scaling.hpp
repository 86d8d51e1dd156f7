#pragma once

#include "actors/graph.hpp"
#include "lifecycle/lineage.hpp"

#include <string>
#include <vector>

namespace instar {

/// An operator whose number of replicas changes: all that share its packets now end, and as many
/// as wanted begin. Each is an operator by itself; one alone counts as one of one.
struct scaling {
  std::string name;                       ///< in the graph file
  std::vector<std::string> before, after; ///< in the order of their lanes
};

/// Those that the way from `running` to `wanted` has.
std::vector<scaling> find_scalings(const graph& running, const graph& wanted, const lineage& by);

} // namespace instar
