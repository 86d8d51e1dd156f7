#pragma once

#include "actors/graph_flow.hpp"

#include <vector>

namespace instar {

/// How packets get from an operator to one that does something with them: along one arc, or several
/// with operators between that pass on whatever comes (an input of `*`, as an operator that is put
/// on an arc has).
struct way {
  const arc_node *first = nullptr, *last = nullptr;
  bool feedback = false; ///< one of its arcs is
};
std::vector<way> find_ways(const graph& g, const operator_types& types);

/// The part of `check_graph` that is about requests: adds the arc for the answers to each arc
/// for requests, unless the graph has it, and finds arcs between ports of which one has to do with
/// requests and the other has not. Arcs with an end that does not exist are passed over.
///
/// Operators that pass on whatever comes may lie on the way of requests and of answers.
///
/// The added arc has the capacity of the one for the requests. Together they are a loop, so just
/// one of them is a feedback arc: the added one, unless the other is.
void complete_requests(graph& g, const operator_types& types, const complain_function& complain);

} // namespace instar
