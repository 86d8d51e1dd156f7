#pragma once

#include "actors/graph.hpp"
#include "transfer/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace instar {

/// Operators that are put on arcs of the running graph for a while, and taken off again.
///
/// They are *transient*: part of the graph that runs, but not of the one that was asked for. An
/// update leaves them where they are; whoever says what the whole graph shall be (`apply`,
/// `rollback`) takes them off with it.
struct graph_edit {
  struct insertion {
    std::string arc; ///< `from.port -> to.port`, as the running graph has it
    operator_node op;
    std::string in, out; ///< the ports of `op` that the arc's two halves lead to and from
  };
  std::vector<insertion> insert;
  std::vector<std::string> take_off; ///< operators
};

/// For people, before there is a plan.
std::string describe(const graph_edit& edit);

/// `given` with the edit done. Arcs are named as in `checked`, the same graph with its port names
/// filled in. An arc becomes two of its capacity; if it was a feedback arc, the second half is. To
/// take an operator off makes its two arcs the one that they were.
result<graph> apply_edit(graph given, const graph& checked, const graph_edit& edit);

bool has_transients(const graph& g);
/// The graph that was asked for: all that were put on arcs are taken off.
graph without_transients(graph g);

/// The arc that somebody means by `a.out -> b.in`, or `a -> b` if no other leads from a to b.
result<const arc_node*> find_arc(const graph& in, std::string_view text);

} // namespace instar
