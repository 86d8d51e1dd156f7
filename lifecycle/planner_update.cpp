// Plans of orders that exchange operators for others. Only the part of the graph that is concerned
// is looked at, so that they take no longer in a large graph.
#include "lifecycle/planner.hpp"
#include "lifecycle/unknown_types.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace instar {

namespace {

void exchange(graph& in, const graph& given) {
  const name_index names(in);
  for (const auto& op : given.operators) in.operators[names.find(op.name)] = op;
}

std::set<std::string> names_of(const graph& g) {
  std::set<std::string> names;
  for (const auto& op : g.operators) names.insert(op.name);
  return names;
}

} // namespace

/// What is said of all replicas of an operator, for each of them.
result<std::vector<operator_update>>
planner::of_replicas(const std::vector<operator_update>& updates) const {
  const auto& operators = versions_.running().content.operators;
  std::vector<operator_update> all;
  for (const auto& update : updates) {
    const auto at = versions_.index().find(update.name);
    if (at != graph_index::none && !operators[at].replica_of.empty())
      return failure{errc::bad_input, "operator '" + update.name + "' is one of the replicas of '" +
                                          operators[at].replica_of +
                                          "', which change together; update that"};
    const auto before = all.size();
    if (at == graph_index::none)
      for (const auto& op : operators)
        if (op.replica_of == update.name) all.push_back({op.name, update.type, update.version});
    if (all.size() == before) all.push_back(update);
  }
  return all;
}

/// The operators that become others, as written, and where they are in the running graph.
result<planner::exchanged>
planner::exchanged_by(const std::vector<operator_update>& updates) const {
  const auto& index = versions_.index();
  std::map<graph_index::number, operator_node> nodes;
  for (const auto& update : updates) {
    const auto at = index.find(update.name);
    if (at == graph_index::none)
      return failure{errc::not_found, "operator '" + update.name +
                                          "' is not in the running graph; `instarctl graph` lists "
                                          "its operators"};
    auto& node = nodes.try_emplace(at, versions_.given(at)).first->second;
    node.type = update.type;
    node.version = update.version;
  }
  exchanged found;
  for (auto& [at, node] : nodes) {
    const auto& now = versions_.running().content.operators[at];
    if (node.type == now.type && node.version == now.version) continue;
    found.places.push_back(at);
    found.given.operators.push_back(std::move(node));
  }
  return found;
}

/// Checks the operators with new types, and what flows to and from them.
graph_check planner::check_exchanged(const exchanged& those, const neighbourhood& near) {
  auto part = part_of(versions_.running(), near.flow_operators, near.flow_arcs);
  exchange(part.content, those.given);
  for (const auto& op : those.given.operators) part.types.erase(op.name);
  const auto types = types_from(part.content);
  return check_part(std::move(part.content), names_of(those.given), std::move(part.types), types);
}

/// With other ports for requests, the check of the whole graph adds other arcs for answers; and
/// where an operator ceases to split, the markers go on to everything below (`find_flush`).
bool planner::concerns_more(const exchanged& those, const graph_check& check) const {
  return std::any_of(
      those.given.operators.begin(), those.given.operators.end(), [&](const operator_node& op) {
        const auto type = check.types.find(op.name);
        if (type == check.types.end()) return false;
        const auto& now = versions_.running().types.find(op.name)->second;
        return !same_request_ports(now, type->second) || (now.splits && !type->second.splits);
      });
}

planned planner::make_whole_update(const exchanged& those,
                                   const std::vector<operator_update>& updates,
                                   const std::vector<std::string>& drop_state) {
  auto target = versions_.given();
  exchange(target, those.given);
  auto made = make_whole(std::move(target), nullptr, drop_state);
  made.whole = false;
  for (const auto& update : updates) made.touches.operators.insert(update.name);
  return made;
}

planned planner::make_update(const std::vector<operator_update>& asked_for,
                             const std::vector<std::string>& drop_state) {
  const auto& running = versions_.running();
  const auto of_each = of_replicas(asked_for);
  if (!of_each) return refuse(of_each.error());
  const auto& updates = *of_each;
  auto those = exchanged_by(updates);
  if (!those) return refuse(those.error());
  planned made;
  made.as_of = versions_.generation();
  made.whole = false;
  const auto near = find_neighbourhood(running, versions_.index(), those->places);
  const auto before = part_of(running, near.operators, near.arcs);
  auto check = check_exchanged(*those, near);
  if (concerns_more(*those, check)) return make_whole_update(*those, updates, drop_state);

  made.wanted = before;
  const name_index names(before.content);
  for (const auto& given : those->given.operators)
    made.wanted.content.operators[names.find(given.name)] = given;
  for (const auto& node : check.checked.operators)
    made.wanted.content.operators[names.find(node.name)] = node;
  for (auto& [name, type] : check.types) made.wanted.types.insert_or_assign(name, std::move(type));

  const auto by = trace_lineage(before.content, made.wanted.content);
  if (!check.mistakes.empty()) {
    complete_from(made.wanted.content, check, before.content, by);
    made.plan = difference(before.content, made.wanted.content, by);
    made.plan.refusals = std::move(check.mistakes);
    return made;
  }
  made.given = std::move(those->given);
  made.plan = make_plan(before, made.wanted, by, knowledge(before, made.wanted, by, drop_state));
  std::vector<std::string> named;
  for (const auto& update : updates) named.push_back(update.name);
  made.touches = make_footprint(made.plan, before, made.wanted, named);
  widen(made.touches, before, made.wanted, those->places);
  return made;
}

/// What a footprint of a part does not have, because it is about all that is below.
void planner::widen(footprint& touches, const typed_graph& before, const typed_graph& wanted,
                    const graph_index::numbers& changes) const {
  touches.below.reset(); // `complete` finds it, should it be needed
  const auto& operators = versions_.running().content.operators;
  graph_index::numbers reshaping;
  for (const auto at : changes) {
    const auto& name = operators[at].name;
    if (before.types.find(name)->second.splits != wanted.types.find(name)->second.splits)
      reshaping.push_back(at);
  }
  for (const auto at : versions_.index().below(reshaping))
    touches.operators.insert(operators[at].name);
}

void planner::complete(footprint& touches) const {
  if (touches.below) return;
  const auto& index = versions_.index();
  graph_index::numbers starts;
  for (const auto& name : touches.changed)
    if (const auto at = index.find(name); at != graph_index::none) starts.push_back(at);
  touches.below.emplace();
  for (const auto at : index.below(starts))
    touches.below->insert(versions_.running().content.operators[at].name);
}

} // namespace instar
