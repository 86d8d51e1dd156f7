#pragma once

#include "actors/graph.hpp"

#include <string>
#include <string_view>

namespace instar {

/// The name of one of several that share an operator's work: `store:0/4`. With their number in it,
/// so that those of different numbers are different operators.
std::string replica_name(std::string_view name, std::uint32_t replica, std::uint32_t replicas);

/// In place of each operator with `replicas` so many operators, and of each of its arcs one to or
/// from each: between two such operators from each to each. What has been expanded before stays as
/// it is, and so does what asks for more than `max_lanes`.
graph expand_replicas(graph g);

/// The way back: as it was written.
graph fold_replicas(const graph& g);

} // namespace instar
