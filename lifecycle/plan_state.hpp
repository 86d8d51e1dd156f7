#pragma once

#include "lifecycle/plan.hpp"
#include "lifecycle/scaling.hpp"

#include <vector>

namespace instar {

/// How the state of an operator gets to another, or why it cannot: as a state edge of `change`.
void plan_state(operator_change& change, const operator_description& from,
                const operator_description& to, const plan_knowledge& known,
                std::vector<failure>& refusals);

/// How the state of replicas gets to another number of them, by keys, from those that run or from a
/// checkpoint of them: fills in what the changes of both say of it. What cannot be split and merged
/// is dropped if somebody agrees to that, or refused.
enum class scaled_from { running, checkpoint };
void plan_scaling(const scaling& of, scaled_from where, const typed_graph& before,
                  const typed_graph& after, const plan_knowledge& known, transition_plan& plan);

/// Decides how the state of each operator that is replaced gets to its successor, and that of
/// replicas to others where their number changes, for `make_plan`:
/// fills in what the changes say of states, and refuses what would drop or misread one.
void plan_states(const typed_graph& running, const typed_graph& wanted, const lineage& by,
                 const plan_knowledge& known, transition_plan& plan);

} // namespace instar
