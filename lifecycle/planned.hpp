#pragma once

#include "lifecycle/footprint.hpp"
#include "lifecycle/plan.hpp"

#include <cstdint>

namespace instar {

/// A wanted change, checked and planned against the graph that runs.
struct planned {
  transition_plan plan;
  graph given;             ///< the wanted graph as it was written
  typed_graph wanted;      ///< the same, checked
  bool whole = true;       ///< says what the whole graph shall be, not only some operators of it
  std::uint64_t as_of = 0; ///< the generation of the running graph that it was planned against
  footprint touches;
};

} // namespace instar
