#include "lifecycle/plan.hpp"

#include "lifecycle/flush.hpp"
#include "lifecycle/loops.hpp"
#include "lifecycle/name_index.hpp"
#include "lifecycle/plan_state.hpp"
#include "lifecycle/region.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <set>

namespace instar {

bool transition_plan::changes() const {
  return saves ||
         std::any_of(operators.begin(), operators.end(),
                     [](const operator_change& c) { return c.participates(); }) ||
         std::any_of(arcs.begin(), arcs.end(),
                     [](const arc_change& c) { return c.action != arc_action::keep; });
}

bool transition_plan::drains() const {
  return std::any_of(operators.begin(), operators.end(),
                     [](const operator_change& c) { return c.drains; });
}

namespace {

const operator_description& type_of(const typed_graph& g, const std::string& name) {
  return g.types.find(name)->second;
}

std::vector<std::string> changed_settings(const settings& before, const settings& after) {
  std::vector<std::string> changes;
  for (const auto& [key, value] : after.all()) {
    const auto old = before.all().find(key);
    if (old == before.all().end()) changes.push_back(key + ": (none) -> " + to_string(value));
    else if (old->second != value)
      changes.push_back(key + ": " + to_string(old->second) + " -> " + to_string(value));
  }
  for (const auto& [key, value] : before.all())
    if (!after.all().count(key)) changes.push_back(key + ": " + to_string(value) + " -> (none)");
  return changes;
}

/// For people, in the words of the graph file.
std::string describe(const error_policy& policy) {
  const auto window = std::chrono::duration<double>(policy.window).count();
  return std::string(to_string(policy.strategy)) + ", " + std::to_string(policy.limit) + " in " +
         to_string(setting_value(window)) + " s";
}

operator_change compare(const operator_node& before, const operator_node& after) {
  operator_change change;
  change.name = after.name;
  change.replica_of = after.replica_of;
  if (before.name != after.name) change.old_name = before.name;
  change.old_reference = before.reference();
  change.new_reference = after.reference();
  change.settings = changed_settings(before.values, after.values);
  if (before.on_error != after.on_error)
    change.settings.push_back("on_error: " + describe(before.on_error) + " -> " +
                              describe(after.on_error));
  if (change.old_reference != change.new_reference || !change.settings.empty())
    change.action = operator_action::replace;
  return change;
}

/// Wanted names by running ones.
using successors = std::map<std::string, std::string, std::less<>>;

void plan_operators(const graph& running, const graph& wanted, const lineage& by,
                    const successors& new_names, transition_plan& plan) {
  const name_index new_index(wanted);
  for (const auto& before : running.operators) {
    if (const auto after = new_names.find(before.name); after != new_names.end()) {
      const auto& node = wanted.operators[new_index.find(after->second)];
      plan.operators.push_back(compare(before, node));
      continue;
    }
    operator_change change;
    change.action = operator_action::remove;
    change.name = before.name;
    change.replica_of = before.replica_of;
    change.old_reference = before.reference();
    plan.operators.push_back(std::move(change));
  }
  for (const auto& after : wanted.operators) {
    if (by.old_names.count(after.name)) continue;
    operator_change change;
    change.action = operator_action::add;
    change.name = after.name;
    change.replica_of = after.replica_of;
    change.new_reference = after.reference();
    plan.operators.push_back(std::move(change));
  }
}

/// The name that a running arc has in the wanted graph, should it be in it; empty if an end is not.
std::string wanted_name(arc_node a, const successors& new_names) {
  const auto from = new_names.find(a.from), to = new_names.find(a.to);
  if (from == new_names.end() || to == new_names.end()) return {};
  a.from = from->second;
  a.to = to->second;
  return a.name();
}

bool same_arc(const arc_node& a, const arc_node& b) {
  return a.capacity == b.capacity && a.feedback == b.feedback && a.lane == b.lane &&
         a.lanes == b.lanes && a.key == b.key;
}

/// Arcs are the same if their ends, their capacity, their feedback policy and their lane are.
/// Returns those of the old graph first, in its order.
void plan_arcs(const graph& running, const graph& wanted, const successors& new_names,
               transition_plan& plan) {
  std::map<std::string, const arc_node*> after;
  for (const auto& a : wanted.arcs) after.emplace(a.name(), &a);
  std::set<std::string> kept;
  for (const auto& a : running.arcs) {
    const auto same = after.find(wanted_name(a, new_names));
    const bool keep = same != after.end() && same_arc(*same->second, a);
    plan.arcs.push_back({keep ? arc_action::keep : arc_action::remove, a, false});
    if (!keep) continue;
    kept.insert(same->first);
    if (same->first == a.name()) continue;
    plan.arcs.back().old_name = a.name();
    plan.arcs.back().arc = *same->second;
  }
  for (const auto& a : wanted.arcs)
    if (!kept.count(a.name())) plan.arcs.push_back({arc_action::add, a, false});
}

/// Removed arcs have the names of the running graph, added ones those of the wanted graph. In one
/// that is only compared, an arc may name an operator that is not there.
void mark_rewired(transition_plan& plan) {
  std::map<std::string, std::size_t, std::less<>> old_names, new_names;
  for (std::size_t i = 0; i < plan.operators.size(); ++i) {
    const auto& op = plan.operators[i];
    if (op.action != operator_action::add) old_names.emplace(op.before(), i);
    if (op.action != operator_action::remove) new_names.emplace(op.name, i);
  }
  for (const auto& change : plan.arcs) {
    if (change.action == arc_action::keep) continue;
    const auto& by_name = change.action == arc_action::remove ? old_names : new_names;
    for (const auto* end : {&change.arc.from, &change.arc.to})
      if (const auto found = by_name.find(*end); found != by_name.end())
        plan.operators[found->second].arcs_change = true;
  }
}

/// What an operator has to know of the cycles that it is on (`cycle_links`), by names.
struct cycles_of {
  explicit cycles_of(const graph& g) : cycles(find_cycles(g)) {
    for (std::size_t i = 0; i < g.operators.size(); ++i) group.emplace(g.operators[i].name, i);
    for (auto& [name, at] : group) at = cycles.of[at];
    for (const auto& one : cycles.groups) {
      auto& names = content.emplace_back();
      for (const auto i : one.operators) names.insert(g.operators[i].name);
      for (const auto a : one.feedback) names.insert(g.arcs[a].name());
    }
  }
  /// The group's number; `none` also for operators that are not there.
  std::size_t at(const std::string& name) const {
    const auto found = group.find(name);
    return found == group.end() ? cycle_groups::none : found->second;
  }

  cycle_groups cycles;
  std::map<std::string, std::size_t, std::less<>> group;
  std::vector<std::set<std::string>> content; ///< by group: operators and feedback arcs
};

/// Operators that stay, but on other cycles than before, get their arcs anew to learn of them.
void mark_other_cycles(const graph& running, const graph& wanted, transition_plan& plan) {
  const cycles_of before(running), after(wanted);
  if (before.content.empty() && after.content.empty()) return;
  std::map<std::pair<std::size_t, std::size_t>, bool> same;
  same[{cycle_groups::none, cycle_groups::none}] = true;
  for (auto& op : plan.operators) {
    if (op.action == operator_action::add || op.action == operator_action::remove) continue;
    const std::pair groups(before.at(op.before()), after.at(op.name));
    auto [known, fresh] = same.try_emplace(groups, false);
    if (fresh && groups.first != cycle_groups::none && groups.second != cycle_groups::none)
      known->second = before.content[groups.first] == after.content[groups.second];
    op.arcs_change = op.arcs_change || !known->second;
  }
}

/// Which loops of the old graph have to be emptied, and by whom.
drain_need plan_drain(const typed_graph& running, const name_index& old_index,
                      transition_plan& plan) {
  drain_query query;
  for (std::size_t i = 0; i < running.content.arcs.size(); ++i) {
    const auto& a = running.content.arcs[i];
    query.arcs.push_back({old_index.find(a.from), old_index.find(a.to), a.feedback,
                          plan.arcs[i].action == arc_action::remove ||
                              (plan.saves && a.feedback != feedback_policy::none)});
  }
  for (std::size_t i = 0; i < running.content.operators.size(); ++i)
    query.changes.push_back(plan.operators[i].participates() || plan.saves);
  auto need = find_drain(query);
  for (std::size_t i = 0; i < need.heads.size(); ++i) plan.operators[i].drains = need.heads[i];
  for (std::size_t i = 0; i < need.arcs.size(); ++i) plan.arcs[i].drain = need.arcs[i];
  return need;
}

/// Where ways end, the markers have to go further than to what changes.
void add_flush(const typed_graph& wanted, const std::vector<std::size_t>& ordinary,
               transition_plan& plan, region_query& query, marker_region& region) {
  flush_query flush{query.operators, query.arcs, {}, query.splits, {}};
  const auto ended = find_ended_ways(plan);
  for (const auto arc : ordinary) flush.ends.push_back(ended[arc]);
  for (std::size_t i = 0; i < query.operators; ++i) {
    const auto& op = plan.operators[i];
    const bool exchanged = query.splits[i] && op.action == operator_action::replace;
    flush.ceases.push_back(exchanged && !type_of(wanted, op.name).splits);
  }
  const auto some = [](const std::vector<bool>& of) {
    return std::find(of.begin(), of.end(), true) != of.end();
  };
  if (!some(flush.ends) && !some(flush.ceases)) return;
  const auto below = find_flush(flush);
  for (std::size_t i = 0; i < query.operators; ++i) query.changes[i] = query.changes[i] || below[i];
  const auto whole = find_region(query);
  for (std::size_t i = 0; i < query.operators; ++i)
    plan.operators[i].flushes = whole.operators[i] && !region.operators[i];
  region = whole;
}

/// The markers cross the old graph, whose operators and arcs come first in the plan. Feedback arcs
/// carry none.
void plan_region(const typed_graph& running, const typed_graph& wanted, const name_index& old_index,
                 transition_plan& plan) {
  const auto need = plan_drain(running, old_index, plan);
  region_query query;
  query.operators = running.content.operators.size();
  std::vector<std::size_t> ordinary; // their indexes
  for (std::size_t i = 0; i < running.content.arcs.size(); ++i) {
    const auto& a = running.content.arcs[i];
    if (a.feedback != feedback_policy::none) continue;
    ordinary.push_back(i);
    query.arcs.emplace_back(old_index.find(a.from), old_index.find(a.to));
  }
  for (std::size_t i = 0; i < query.operators; ++i) {
    query.changes.push_back(plan.operators[i].participates() || plan.saves || need.crossed[i]);
    query.splits.push_back(type_of(running, plan.operators[i].before()).splits);
  }
  auto region = find_region(query);
  add_flush(wanted, ordinary, plan, query, region);
  for (std::size_t i = 0; i < query.operators; ++i) {
    plan.operators[i].in_region = region.operators[i];
    plan.operators[i].is_head = region.heads[i];
  }
  for (std::size_t i = 0; i < ordinary.size(); ++i)
    plan.arcs[ordinary[i]].in_region = region.arcs[i];
}

} // namespace

transition_plan difference(const graph& from, const graph& to, const lineage& by) {
  transition_plan plan;
  plan.refusals = by.refusals;
  successors new_names;
  for (const auto& [after, before] : by.old_names) new_names.emplace(before, after);
  plan_operators(from, to, by, new_names, plan);
  plan_arcs(from, to, new_names, plan);
  mark_rewired(plan);
  mark_other_cycles(from, to, plan);
  return plan;
}

transition_plan make_plan(const typed_graph& running, const typed_graph& wanted, const lineage& by,
                          const plan_knowledge& known) {
  auto plan = difference(running.content, wanted.content, by);
  plan_states(running, wanted, by, known, plan);
  plan_region(running, wanted, name_index(running.content), plan);
  return plan;
}

transition_plan make_checkpoint_plan(const typed_graph& running) {
  auto plan =
      difference(running.content, running.content, trace_lineage(running.content, running.content));
  plan.saves = true;
  for (auto& op : plan.operators) {
    const auto& type = type_of(running, op.name);
    if (type.part_schema != 0) op.parts = part_transfer::pre_copy;
    op.state_format = type.state_schema == 0 && type.part_schema == 0 ? "stateless" : "is written";
    if (type.native.layout != 0 && type.state_schema == 0 && type.part_schema == 0)
      plan.refusals.push_back({errc::refused, "operator '" + op.name + "': " + type.reference() +
                                                  " keeps its state only as an object, which no "
                                                  "file can have; give it a state schema"});
  }
  plan_region(running, running, name_index(running.content), plan);
  return plan;
}

transition_plan make_plan(const typed_graph& running, const typed_graph& wanted) {
  return make_plan(running, wanted, trace_lineage(running.content, wanted.content));
}

} // namespace instar
