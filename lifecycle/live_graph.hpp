#pragma once

#include "actors/graph.hpp"
#include "actors/links.hpp"
#include "actors/participation.hpp"
#include "actors/status.hpp"
#include "lifecycle/graph_index.hpp"
#include "lifecycle/plan.hpp"

#include <caf/actor.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace instar {

/// The live side of a graph: for each operator its place and the actor that runs it, for each arc
/// the FIFO. A supervisor keeps one of the running graph, and makes one of the wanted graph when a
/// transition is prepared: what is kept is shared between the two, so the commit is to adopt what
/// is new in it, and the rollback is to drop it.
struct live_graph {
  struct member {
    operator_place place;
    caf::actor actor;
    std::string reference;
    epoch_t since = 0;
    std::string replica_of{};
    std::uint32_t replicas = 1;
  };
  struct live_arc {
    arc_node node;
    std::shared_ptr<arc> queue;
    std::string payload;
  };

  std::map<std::string, member, std::less<>> members;
  std::map<std::string, live_arc, std::less<>> arcs;

  /// Places and arcs of the graph that `plan` leads to; what goes on keeps its place or queue, also
  /// under another name. Actors of added and replaced operators are still missing.
  live_graph next(const transition_plan& plan, const typed_graph& wanted);

  /// The ends of the arcs at each operator.
  std::map<std::string, operator_links> all_links(const typed_graph& of) const;

  /// The part of each old operator that the plan gives one, by running name. `after` is what `next`
  /// returned.
  std::map<std::string, participation> parts(const transition_plan& plan, const live_graph& after,
                                             const typed_graph& wanted, epoch_t epoch) const;

  /// Adds to the parts the cycles that whoever stands at its cut holds up. Of the running graph.
  void add_cycles_above(const graph& running, const graph_index& index,
                        std::map<std::string, participation>& parts) const;

  /// The commit of `plan`, of which `after` is the outcome. Other transitions may have changed
  /// what it leaves alone since: that stays.
  void adopt(const transition_plan& plan, live_graph after);

  void describe(service_status& into) const;

private:
  void see_through(const typed_graph& of, std::map<std::string, operator_links>& links) const;
  operator_place make_place(const std::string& name);
  void add_drain(const transition_plan& plan, std::map<std::string, participation>& parts) const;
  std::shared_ptr<const cycle_links> links_of(const cycle_groups::group& of, const graph& in) const;

  std::uint64_t places_made_ = 0; // also those that never ran
};

} // namespace instar
