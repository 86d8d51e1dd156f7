#pragma once

#include "actors/graph.hpp"

#include <vector>

namespace instar {

/// Checks the rules of all policies of a graph that is otherwise good: against themselves, and
/// against the graph that they stand in. Every mistake, each as `file:line: operator 'x': setting:
/// what, and what to do`. Reads the graph files that they would apply.
std::vector<failure> check_policies(const graph& of, const type_lookup& types);

} // namespace instar
