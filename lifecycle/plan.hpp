#pragma once

#include "actors/graph.hpp"
#include "lifecycle/lineage.hpp"
#include "lifecycle/loops.hpp"
#include "lifecycle/state_route.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace instar {

enum class operator_action {
  keep,    ///< the same instance goes on
  add,     ///< a new place in the graph
  remove,  ///< its place ends
  replace, ///< a successor takes its place: another version or type, or other settings
};

/// What a transition does to one operator.
struct operator_change {
  operator_action action = operator_action::keep;
  std::string name;
  std::string old_reference, new_reference; ///< `type@version`; empty where there is none
  std::vector<std::string> settings;        ///< changed ones as `key: old -> new`
  bool transfers_state = false;             ///< a state edge leads from the old instance
  std::string state_format;                 ///< how, or what becomes of it; for people
  bool arcs_change = false;                 ///< an arc at it is added or removed
  bool in_region = false;                   ///< the markers cross it
  bool is_head = false;                     ///< the markers enter at it
  std::string old_name{};                   ///< in the running graph, if it is renamed
  bool drains = false;                ///< head of loops: holds its cut back until they are empty
  bool native = false;                ///< the object that the state is in is handed over as it is
  state_route state_by{}, parts_by{}; ///< else: the way of what `save` writes, and of keyed state
  bool drops_state = false;           ///< state is lost, which somebody has agreed to by name
  part_transfer parts = part_transfer::none; ///< how keyed state goes that way
  std::string replica_of{};                  ///< one of several that share packets: the name of all
  /// Where their number changes, keyed state goes from each old one to each new one: of one that is
  /// added from whom, of one that is removed to whom, by running and by wanted name. It does so in
  /// a restore of any replicas.
  std::vector<std::string> state_from{}, heirs{};
  /// … and of those it comes from, those whose state without keys does, too.
  std::vector<std::string> rest_from{};
  bool flushes = false; ///< in the region only for what is under way: `find_flush`

  bool renamed() const { return !old_name.empty(); }
  /// The name that people know it by.
  const std::string& written_name() const { return replica_of.empty() ? name : replica_of; }
  /// Its name in the running graph.
  const std::string& before() const { return renamed() ? old_name : name; }
  /// It is told of the transition, votes, and waits at its cut for the commit.
  bool participates() const { return action != operator_action::keep || arcs_change || renamed(); }
  /// Its new instance hears before the commit what state there is for it, if any.
  bool restores() const {
    return action == operator_action::replace ||
           (action == operator_action::add && transfers_state) || !state_from.empty();
  }
};

enum class arc_action { keep, add, remove };

struct arc_change {
  arc_action action = arc_action::keep;
  arc_node arc;
  bool in_region = false; ///< a marker travels along it
  std::string old_name{}; ///< in the running graph, if an end of it is renamed
  drain_part drain = drain_part::none;

  std::string before() const { return old_name.empty() ? arc.name() : old_name; }
};

/// What a transition will do, checked, made before anything changes. A plain value.
struct transition_plan {
  std::vector<operator_change> operators; ///< old ones in file order, then added ones
  std::vector<arc_change> arcs;
  std::vector<failure> refusals; ///< each names the operator, the reason, the remedy
  bool saves = false;            ///< a checkpoint: nothing changes, each cut is written out

  bool refused() const { return !refusals.empty(); }
  /// The two graphs differ.
  bool changes() const;
  /// Some loops have to be empty first.
  bool drains() const;
  /// Nothing differs, and nothing was refused.
  bool empty() const { return !refused() && !changes(); }
};

/// A graph and the types of its operators, both checked.
struct typed_graph {
  graph content;
  operator_types types;
};

/// What a plan has to know beside the two graphs.
struct plan_knowledge {
  /// Operators whose converters may be used: all versions there are of the types that change.
  std::vector<operator_description> versions;
  /// Operators whose state may be dropped, if there is no way for it.
  std::vector<std::string> drop_state;
};

/// The difference between the running and the wanted graph as a plan: what is kept, added,
/// removed, replaced; how the state of each replaced operator is carried over (the object
/// itself, or what `negotiate` finds); the region of the markers.
/// Which operator goes on from which is what `by` says, or `trace_lineage`; arcs are the same if
/// their ends are.
transition_plan make_plan(const typed_graph& running, const typed_graph& wanted, const lineage& by,
                          const plan_knowledge& known = {});
transition_plan make_plan(const typed_graph& running, const typed_graph& wanted);

/// A checkpoint of a graph: the markers cross all of it, and all its loops are emptied first, so
/// that what operators have at their cuts is all there is.
transition_plan make_checkpoint_plan(const typed_graph& running);

/// The same without what needs types: nothing is checked, states and region are left out.
transition_plan difference(const graph& from, const graph& to, const lineage& by);

} // namespace instar
