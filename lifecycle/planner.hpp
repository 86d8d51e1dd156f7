#pragma once

#include "lifecycle/graph_versions.hpp"
#include "lifecycle/operator_library.hpp"
#include "lifecycle/order.hpp"
#include "lifecycle/planned.hpp"

#include <string>

namespace instar {

/// Turns what is wanted into a plan. Changes nothing.
class planner {
public:
  planner(operator_library& library, const graph_versions& versions)
      : library_(library), versions_(versions) {}

  planned make(const wanted_graph& wanted);
  /// The way to nothing.
  planned make_stop() const;

  /// The difference of two graphs. What a check complains of is among the refusals, but does not
  /// hinder; if a graph cannot be had at all, there are only refusals.
  transition_plan compare(const compared_graph& from, const compared_graph& to);

private:
  result<graph> resolve(const wanted_graph& wanted) const;
  result<const graph_versions::version*> version_of(rollback_to wanted) const;
  graph_check check(graph candidate);

  /// One side of a comparison.
  struct side {
    graph content;
    graph_check check;                                ///< of a graph from outside
    const graph_versions::version* version = nullptr; ///< of one that runs or ran
  };
  result<side> take(const compared_graph& which);

  operator_library& library_;
  const graph_versions& versions_;
};

/// What a plan does, in one line.
std::string summary(const transition_plan& plan);
/// All refusals of a plan in one line.
std::string one_line(const std::vector<failure>& refusals);

} // namespace instar
