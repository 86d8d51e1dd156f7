// Plans of checkpoints, and of starts from one.
#include "actors/replicas.hpp"
#include "lifecycle/graph_edit.hpp"
#include "lifecycle/name_index.hpp"
#include "lifecycle/plan_state.hpp"
#include "lifecycle/planner.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace instar {

planned planner::make_checkpoint() const {
  const auto& running = versions_.running();
  if (running.content.operators.empty())
    return refuse({errc::refused, "nothing runs that could be written; apply a graph first"});
  planned made;
  made.as_of = versions_.generation();
  made.given = without_transients(versions_.given());
  made.wanted = running;
  made.plan = make_checkpoint_plan(running);
  made.touches = make_footprint(made.plan, running, running);
  return made;
}

namespace {

bool contains(const std::vector<std::string>& names, const std::string& one) {
  return std::find(names.begin(), names.end(), one) != names.end();
}

using names = std::set<std::string, std::less<>>;

/// Those whose states a checkpoint has, as if they ran.
typed_graph former_of(const checkpoint_contents& from) {
  typed_graph former{{}, from.operators()};
  const auto ran = expand_replicas(from.content());
  const name_index nodes(ran);
  for (auto& [name, type] : former.types) {
    auto& node = former.content.operators.emplace_back();
    if (const auto at = nodes.find(name); at != name_index::none) node = ran.operators[at];
    node.name = name;
    node.type = type.name;
    node.version = type.version;
    // A file has their own schemas, and no objects.
    type.native = {};
    type.exports.clear();
  }
  return former;
}

/// States that nobody in the graph goes on from are lost only if somebody has said so.
void refuse_losses(const typed_graph& former, const restore_request& restore, const names& go_on,
                   std::vector<failure>& refusals) {
  names told;
  for (const auto& op : former.content.operators) {
    if (go_on.count(op.name) || contains(restore.drop, op.written_name())) continue;
    const auto& type = former.types.find(op.name)->second;
    if (type.state_schema == 0 && type.part_schema == 0) continue;
    const auto& name = op.written_name();
    if (!told.insert(name).second) continue;
    refusals.push_back({errc::refused, "operator '" + name + "': the checkpoint has state of it (" +
                                           type.reference() +
                                           "), and the graph has no operator of that name; write "
                                           "was = \"" +
                                           name + "\" at the one that goes on from it, or give " +
                                           "--drop-state " + name});
  }
}

/// Who drops the state of nobody has another operator in mind.
void check_drops(const typed_graph& former, const restore_request& restore,
                 std::vector<failure>& refusals) {
  const auto& known = former.content.operators;
  for (const auto& name : restore.drop) {
    const auto is_written = [&](const operator_node& op) { return op.written_name() == name; };
    if (std::any_of(known.begin(), known.end(), is_written)) continue;
    const auto one = former.content.find(name);
    refusals.push_back(
        {errc::not_found, "--drop-state " + name +
                              (one ? ": it is one of the replicas of '" + one->replica_of +
                                         "'; give --drop-state " + one->replica_of
                                   : ": the checkpoint has no operator of that name")});
  }
}

/// Those that share the packets of one of them; none if it has them for itself.
std::vector<std::string> replicas_with(const operator_node& one, const graph& former) {
  std::vector<std::string> all;
  if (one.replica_of.empty()) return all;
  for (const auto& op : former.operators)
    if (op.replica_of == one.replica_of) all.push_back(op.name);
  return all;
}

/// Another number of replicas: what has keys is split and merged, as in a running service.
void plan_scalings(const typed_graph& former, const typed_graph& wanted, const lineage& by,
                   const plan_knowledge& known, names& go_on, transition_plan& plan) {
  for (const auto& one : find_scalings(former.content, wanted.content, by)) {
    go_on.insert(one.before.begin(), one.before.end());
    const auto refused = plan.refusals.size();
    plan_scaling(one, scaled_from::checkpoint, former, wanted, known, plan);
    if (plan.refusals.size() != refused || !contains(known.drop_state, one.name)) continue;
    const auto drops = [&](const operator_change& op) {
      return op.drops_state && op.name == one.after.front();
    };
    if (std::none_of(plan.operators.begin(), plan.operators.end(), drops))
      plan.refusals.push_back({errc::refused, "operator '" + one.name +
                                                  "' drops no state: its replicas take over all "
                                                  "of it; leave --drop-state " +
                                                  one.name + " out"});
  }
}

} // namespace

planned planner::make_restore(const graph& target, const restore_request& restore) {
  if (!versions_.running().content.operators.empty())
    return refuse({errc::refused, "a service is restored only as it starts"});
  auto made = make_given(target, {});
  if (made.plan.refused()) return made;
  const auto former = former_of(*restore.from);
  const auto by = trace_lineage(former.content, made.wanted.content);
  const name_index nodes(former.content);
  auto known = knowledge(former, made.wanted, by, {});
  auto& plan = made.plan;
  plan.refusals.insert(plan.refusals.end(), by.refusals.begin(), by.refusals.end());
  names go_on;
  for (auto& op : plan.operators) {
    const auto old = by.old_names.find(op.name);
    if (old == by.old_names.end()) {
      op.state_format = "begins anew: the checkpoint does not have it";
      continue;
    }
    const auto& before = former.content.operators[nodes.find(old->second)];
    made.restores.emplace(op.name, before.name);
    go_on.insert(before.name);
    if (contains(restore.drop, before.written_name()))
      op.state_format = "begins anew, as was asked for";
    else
      plan_state(op, former.types.find(before.name)->second,
                 made.wanted.types.find(op.name)->second, known, plan.refusals);
    // Places of keys hold for one process only: what a replica had may be another's here.
    if (op.parts_by.moves()) op.state_from = replicas_with(before, former.content);
    // Here nobody serves while keyed state flows.
    if (std::exchange(op.parts, part_transfer::none) != part_transfer::none)
      op.transfers_state = true;
  }
  known.drop_state = restore.drop;
  plan_scalings(former, made.wanted, by, known, go_on, plan);
  refuse_losses(former, restore, go_on, plan.refusals);
  check_drops(former, restore, plan.refusals);
  return made;
}

} // namespace instar
