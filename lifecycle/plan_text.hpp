#pragma once

#include "lifecycle/plan.hpp"

#include <string>

namespace instar {

/// A plan for people: what becomes of operators, states and arcs, where the markers go, what is
/// refused and why; ends with a summary line.
std::string to_text(const transition_plan& plan);

/// The difference of two graphs in the same notation.
std::string difference_text(const transition_plan& plan);

/// The same as one JSON object.
std::string to_json(const transition_plan& plan);

} // namespace instar
