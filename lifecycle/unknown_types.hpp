#pragma once

#include "actors/graph.hpp"
#include "lifecycle/lineage.hpp"

namespace instar {

/// Completes what a check could not, because some operators' types are not known: takes port names
/// and settings that `graph` leaves out from the same arcs and operators of `other`. So that what
/// is left out does not count as a difference.
void complete_from(graph& unchecked, const graph_check& check, const graph& other,
                   const lineage& by);

} // namespace instar
