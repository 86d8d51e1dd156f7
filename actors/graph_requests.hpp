#pragma once

#include "actors/graph_flow.hpp"

namespace instar {

/// The part of `check_graph` that is about requests: adds the arc for the answers to each arc
/// for requests, unless the graph has it, and finds arcs between ports of which one has to do with
/// requests and the other has not. Arcs with an end that does not exist are passed over.
///
/// The added arc has the capacity of the one for the requests. Together they are a loop, so just
/// one of them is a feedback arc: the added one, unless the other is.
void complete_requests(graph& g, const operator_types& types, const complain_function& complain);

} // namespace instar
