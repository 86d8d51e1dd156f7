#include "lifecycle/graph_merge.hpp"

#include <algorithm>
#include <cstddef>
#include <map>
#include <set>
#include <string>

namespace instar {

namespace {

/// The wanted names of the operators that the plan changes.
std::set<std::string, std::less<>> changed(const transition_plan& plan) {
  std::set<std::string, std::less<>> names;
  for (const auto& op : plan.operators)
    if (op.participates() && op.action != operator_action::remove) names.insert(op.name);
  return names;
}

graph merge(const graph& now, const graph& wanted, const planned& done) {
  const auto from_plan = changed(done.plan);
  auto made = done.whole ? wanted : now;
  const auto& other = done.whole ? now : wanted;
  for (auto& op : made.operators) {
    const bool own = (from_plan.count(op.name) > 0) == done.whole;
    const auto* node = own ? nullptr : other.find(op.name);
    if (node) op = *node;
  }
  return made;
}

std::vector<arc_node> merge_arcs(const graph& now, const transition_plan& plan) {
  std::map<std::string, const arc_change*> planned; // by running name
  for (const auto& a : plan.arcs)
    if (a.action != arc_action::add) planned.emplace(a.before(), &a);
  std::vector<arc_node> arcs;
  for (const auto& a : now.arcs) {
    const auto known = planned.find(a.name());
    if (known == planned.end()) arcs.push_back(a);
    else if (known->second->action == arc_action::keep) arcs.push_back(known->second->arc);
  }
  for (const auto& a : plan.arcs)
    if (a.action == arc_action::add) arcs.push_back(a.arc);
  return arcs;
}

/// As they stand in `wanted`; those that it does not have come last.
void sort_as(const std::vector<arc_node>& wanted, std::vector<arc_node>& arcs) {
  std::map<std::string, std::size_t> place;
  for (const auto& a : wanted) place.emplace(a.name(), place.size());
  const auto of = [&](const arc_node& a) {
    const auto found = place.find(a.name());
    return found == place.end() ? place.size() : found->second;
  };
  std::stable_sort(arcs.begin(), arcs.end(),
                   [&](const arc_node& a, const arc_node& b) { return of(a) < of(b); });
}

} // namespace

graph merge_given(const graph& now, const planned& done) { return merge(now, done.given, done); }

typed_graph merge_checked(const typed_graph& now, const planned& done) {
  const auto from_plan = changed(done.plan);
  typed_graph made;
  made.content = merge(now.content, done.wanted.content, done);
  made.content.arcs = merge_arcs(now.content, done.plan);
  if (done.whole) sort_as(done.wanted.content.arcs, made.content.arcs);
  for (const auto& op : made.content.operators) {
    const auto& types = from_plan.count(op.name) ? done.wanted.types : now.types;
    made.types.emplace(op.name, types.find(op.name)->second);
  }
  return made;
}

} // namespace instar
