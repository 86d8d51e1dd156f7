#pragma once

#include "actors/graph.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace instar::bench {

/// All versions of an operator type that there are, the oldest first.
using versions_of_type = std::function<std::vector<operator_description>(std::string_view)>;

/// Two graphs of one service, such that a change from one to the other replaces every operator: no
/// thread may go on meanwhile.
struct graph_pair {
  graph before; ///< as the file says
  /// Each operator in the next version that there is. Without one it is the same version anew, with
  /// another error limit, which is the least that makes a successor.
  graph after;
  std::vector<std::string> blocking; ///< operators with threads of their own, by the file's names
  std::size_t operators = 0;         ///< replicas counted
  std::size_t threads = 0;           ///< of blocking operators, replicas counted
  std::vector<std::string> anew;     ///< blocking operators without a newer version
};

/// Operators are blocking if their type has the setting `interruptible`, which is set here. A
/// setting `port` becomes 0, a free one. Paths become absolute, so that both may be written
/// elsewhere. Fails if a type is not there, or nobody is blocking.
result<graph_pair> make_graph_pair(graph given, const versions_of_type& versions,
                                   bool interruptible);

} // namespace instar::bench
