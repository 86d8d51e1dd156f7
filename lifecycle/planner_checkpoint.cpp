// Plans of checkpoints, and of starts from one.
#include "lifecycle/graph_edit.hpp"
#include "lifecycle/plan_state.hpp"
#include "lifecycle/planner.hpp"

#include <algorithm>
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

/// States that nobody in the graph goes on from are lost only if somebody has said so.
void refuse_losses(const checkpoint_contents& from, const restore_request& restore,
                   const std::map<std::string, std::string>& restores,
                   std::vector<failure>& refusals) {
  for (const auto& [name, type] : from.operators()) {
    const auto goes_on = [&, &name = name](const auto& one) { return one.second == name; };
    if (std::any_of(restores.begin(), restores.end(), goes_on)) continue;
    if (type.state_schema == 0 && type.part_schema == 0) continue;
    if (contains(restore.drop, name)) continue;
    refusals.push_back({errc::refused, "operator '" + name + "': the checkpoint has state of it (" +
                                           type.reference() +
                                           "), and the graph has no operator of that name; write "
                                           "was = \"" +
                                           name + "\" at the one that goes on from it, or give " +
                                           "--drop-state " + name});
  }
  for (const auto& name : restore.drop)
    if (!from.operators().count(name))
      refusals.push_back({errc::not_found, "--drop-state " + name +
                                               ": the checkpoint has no operator of that name"});
}

} // namespace

planned planner::make_restore(const graph& target, const restore_request& restore) {
  const auto& from = *restore.from;
  if (!versions_.running().content.operators.empty())
    return refuse({errc::refused, "a service is restored only as it starts"});
  auto made = make_whole(target, nullptr, {});
  if (made.plan.refused()) return made;
  typed_graph former{{}, from.operators()};
  for (auto& [name, type] : former.types) {
    auto& node = former.content.operators.emplace_back();
    node.name = name;
    node.type = type.name;
    node.version = type.version;
    // A file has their own schemas, and no objects.
    type.native = {};
    type.exports.clear();
  }
  const auto by = trace_lineage(former.content, made.wanted.content);
  const auto known = knowledge(former, made.wanted, by, {});
  auto& plan = made.plan;
  plan.refusals.insert(plan.refusals.end(), by.refusals.begin(), by.refusals.end());
  for (auto& op : plan.operators) {
    const auto old = by.old_names.find(op.name);
    if (old == by.old_names.end()) {
      op.state_format = "begins anew: the checkpoint does not have it";
      continue;
    }
    const auto& type = made.wanted.types.find(op.name)->second;
    made.restores.emplace(op.name, old->second);
    if (contains(restore.drop, old->second)) op.state_format = "begins anew, as was asked for";
    else plan_state(op, former.types.find(old->second)->second, type, known, plan.refusals);
    // Places of keys hold for one process only: what a replica had may be another's here.
    if (!op.replica_of.empty() && op.parts_by.moves())
      plan.refusals.push_back(
          {errc::refused, "operator '" + op.name +
                              "': keyed state of replicas cannot be restored from a checkpoint; "
                              "give it up with --drop-state " +
                              old->second});
    // Here nobody serves while keyed state flows.
    if (std::exchange(op.parts, part_transfer::none) != part_transfer::none)
      op.transfers_state = true;
  }
  refuse_losses(from, restore, made.restores, plan.refusals);
  return made;
}

} // namespace instar
