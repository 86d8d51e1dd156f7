#pragma once

#include "lifecycle/graph_versions.hpp"
#include "lifecycle/operator_library.hpp"
#include "lifecycle/order.hpp"
#include "lifecycle/planned.hpp"

#include <optional>
#include <string>
#include <vector>

namespace instar {

/// Turns what is wanted into a plan. Changes nothing.
class planner {
public:
  planner(operator_library& library, const graph_versions& versions)
      : library_(library), versions_(versions) {}

  /// `drop_state`: operators whose state may be dropped, if there is no way for it.
  planned make(const wanted_graph& wanted, const std::vector<std::string>& drop_state = {});
  /// The way from nothing to a graph whose operators begin with states of a checkpoint.
  planned make_restore(const graph& target, const restore_request& restore);
  /// The way to nothing.
  planned make_stop() const;

  /// The difference of two graphs. What a check complains of is among the refusals, but does not
  /// hinder; if a graph cannot be had at all, there are only refusals.
  transition_plan compare(const compared_graph& from, const compared_graph& to);

  /// Fills in what is below the operators that change, if the plan did not need to know.
  void complete(footprint& touches) const;

private:
  planned refuse(failure why) const;
  planned make_checkpoint() const;
  planned make_given(const graph& target, const std::vector<std::string>& drop_state);
  planned make_whole(graph target, const graph_versions::version* back,
                     const std::vector<std::string>& drop_state);

  struct exchanged {
    graph_index::numbers places; ///< in the running graph
    graph given;                 ///< these operators, as written
  };
  result<std::vector<operator_update>>
  of_replicas(const std::vector<operator_update>& updates) const;
  planned make_update(const std::vector<operator_update>& updates,
                      const std::vector<std::string>& drop_state);
  result<exchanged> exchanged_by(const std::vector<operator_update>& updates) const;
  graph_check check_exchanged(const exchanged& those, const neighbourhood& near);
  bool concerns_more(const exchanged& those, const graph_check& check) const;
  planned make_whole_update(const exchanged& those, const std::vector<operator_update>& updates,
                            const std::vector<std::string>& drop_state);
  void widen(footprint& touches, const typed_graph& before, const typed_graph& wanted,
             const graph_index::numbers& changes) const;

  result<graph_versions::version> version_of(rollback_to wanted) const;
  plan_knowledge knowledge(const typed_graph& running, const typed_graph& wanted, const lineage& by,
                           const std::vector<std::string>& drop_state);
  graph_check check(graph candidate);
  type_lookup types_from(const graph& of);

  /// One side of a comparison.
  struct side {
    graph content;
    graph_check check;                              ///< of a graph from outside
    std::optional<graph_versions::version> version; ///< of one that runs or ran
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
