#pragma once

#include "actors/graph.hpp"

#include <map>
#include <string>
#include <vector>

namespace instar {

/// Which operator of the running graph each wanted one goes on from, with place, counters and
/// state.
struct lineage {
  std::map<std::string, std::string, std::less<>> old_names; ///< by wanted name; all that go on
  std::vector<failure> refusals;                             ///< a `was` that cannot be followed
};

/// An operator goes on from the one of its name, unless its `was` names another that would end
/// otherwise. So that the same graph can be applied twice, a `was` that names nothing (or somebody
/// who goes on under that name) is passed over if the operator runs under its new name already.
lineage trace_lineage(const graph& running, const graph& wanted);

} // namespace instar
