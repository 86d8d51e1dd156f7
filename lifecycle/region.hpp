#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace instar {

/// Input of `find_region`: the old graph's shape, operators by index.
struct region_query {
  std::size_t operators = 0;
  std::vector<std::pair<std::size_t, std::size_t>> arcs; ///< from, to
  std::vector<bool> changes;                             ///< participates in the transition
  std::vector<bool> splits;                              ///< `operator_type::splits`
};

/// The operators and arcs that a transition's markers must cross, and where they enter.
struct marker_region {
  std::vector<bool> operators; ///< in the region
  std::vector<bool> heads;     ///< no arc of the region leads to it: told by message
  std::vector<bool> arcs;      ///< carries a marker; indexes of `region_query::arcs`
};

/// The smallest covering sub-graph of the operators that change, in an acyclic graph.
marker_region find_region(const region_query& of);

} // namespace instar
