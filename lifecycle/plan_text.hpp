#pragma once

#include "lifecycle/plan.hpp"

#include <string>

namespace instar {

/// A plan for people, a line for each change; ends with a summary line.
std::string to_text(const transition_plan& plan);

/// The same as one JSON object.
std::string to_json(const transition_plan& plan);

} // namespace instar
