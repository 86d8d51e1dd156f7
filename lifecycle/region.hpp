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
///
/// After Wang et al., "Fries: Fast and Consistent Runtime Reconfiguration in Dataflow Systems"
/// (VLDB 2023), section 4: markers need not start at the sources; they need to start where the
/// packets of one request could otherwise meet the change at two different moments. In the region
/// are the operators that change; every ancestor from which two different arcs lead to operators
/// that change (their packets take two ways to the change, or to two changes); every ancestor that
/// splits one request into several packets; and whatever lies on a way from one of these to an
/// operator that changes. Fries extends the covering graph by one-to-many operators only; here a
/// fan-out counts as one as well, because all arcs of a port carry the same packet.
///
/// Time and space are linear in operators and arcs.
marker_region find_region(const region_query& of);

} // namespace instar
