#pragma once

#include "lifecycle/plan.hpp"

#include <vector>

namespace instar {

/// How the state of an operator gets to another, or why it cannot: as a state edge of `change`.
void plan_state(operator_change& change, const operator_description& from,
                const operator_description& to, const plan_knowledge& known,
                std::vector<failure>& refusals);

/// Decides how the state of each operator that is replaced gets to its successor, and that of
/// replicas to others where their number changes, for `make_plan`:
/// fills in what the changes say of states, and refuses what would drop or misread one.
void plan_states(const typed_graph& running, const typed_graph& wanted, const lineage& by,
                 const plan_knowledge& known, transition_plan& plan);

} // namespace instar
