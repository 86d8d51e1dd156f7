#pragma once

#include "lifecycle/planned.hpp"

namespace instar {

// The outcome of a transition during which others, that it does not overlap with, have committed.
//
// What the plan changes is as it was planned, every other operator and arc as in `now`, the running
// graph. Of the graph's head (name, places of modules) and the order of operators
// and arcs that of the plan counts if it says what the whole graph shall be.

/// The graph as it was written. Its arcs, which may lack port names, are all of one side.
graph merge_given(const graph& now, const planned& done);

/// The checked graph.
typed_graph merge_checked(const typed_graph& now, const planned& done);

} // namespace instar
