#include "actors/replicas.hpp"

#include <map>
#include <set>
#include <utility>
#include <vector>

namespace instar {

namespace {

bool to_expand(const operator_node& op) {
  return op.replica_of.empty() && op.replicas > 1 && op.replicas <= max_lanes;
}

using expanded = std::map<std::string, operator_node, std::less<>>; // as written, by name

std::vector<operator_node> replicas_of(const operator_node& op) {
  std::vector<operator_node> all;
  for (std::uint32_t i = 0; i < op.replicas; ++i) {
    auto& one = all.emplace_back(op);
    one.name = replica_name(op.name, i, op.replicas);
    one.replica_of = op.name;
    one.replica = i;
    if (!op.was.empty()) one.was = replica_name(op.was, i, op.replicas);
  }
  return all;
}

/// Each of these, once for each of those that may be at one of its ends.
std::vector<arc_node> arcs_from(const arc_node& a, const expanded& those) {
  const auto found = those.find(a.from);
  if (found == those.end()) return {a};
  std::vector<arc_node> all;
  for (const auto& one : replicas_of(found->second)) {
    all.push_back(a);
    all.back().from = one.name;
  }
  return all;
}

std::vector<arc_node> arcs_to(const arc_node& a, const expanded& those) {
  const auto found = those.find(a.to);
  if (found == those.end()) return {a};
  std::vector<arc_node> all;
  for (const auto& one : replicas_of(found->second)) {
    auto& lane = all.emplace_back(a);
    lane.to = one.name;
    lane.lane = one.replica;
    lane.lanes = one.replicas;
    lane.key = one.key;
    lane.group = a.to + "." + a.to_port;
  }
  return all;
}

} // namespace

std::string replica_name(std::string_view name, std::uint32_t replica, std::uint32_t replicas) {
  return std::string(name) + ":" + std::to_string(replica) + "/" + std::to_string(replicas);
}

graph expand_replicas(graph g) {
  expanded those;
  std::vector<operator_node> operators;
  for (auto& op : g.operators) {
    if (!to_expand(op)) {
      operators.push_back(std::move(op));
      continue;
    }
    for (auto& one : replicas_of(op)) operators.push_back(std::move(one));
    those.emplace(op.name, std::move(op));
  }
  g.operators = std::move(operators);
  if (those.empty()) return g;
  std::vector<arc_node> arcs;
  for (const auto& a : g.arcs)
    for (const auto& from : arcs_from(a, those))
      for (auto& one : arcs_to(from, those)) arcs.push_back(std::move(one));
  g.arcs = std::move(arcs);
  return g;
}

graph fold_replicas(const graph& g) {
  graph folded = g;
  folded.operators.clear();
  folded.arcs.clear();
  std::map<std::string, std::string, std::less<>> names; // as written, by that of a replica
  for (const auto& op : g.operators) {
    if (op.replica_of.empty()) {
      folded.operators.push_back(op);
      continue;
    }
    names.emplace(op.name, op.replica_of);
    if (op.replica != 0) continue;
    auto& one = folded.operators.emplace_back(op);
    one.name = std::exchange(one.replica_of, {});
    if (const auto end = one.was.rfind(':'); end != one.was.npos) one.was.resize(end);
  }
  if (names.empty()) {
    folded.arcs = g.arcs;
    return folded;
  }
  const auto as_written = [&](std::string& name) {
    const auto found = names.find(name);
    if (found != names.end()) name = found->second;
    return found != names.end();
  };
  std::set<std::string> seen;
  for (auto a : g.arcs) {
    const bool leaves = as_written(a.from), arrives = as_written(a.to);
    a.lane = 0;
    a.lanes = 1;
    a.key = key_kind::number;
    a.group.clear();
    if (!(leaves || arrives) || seen.insert(a.name()).second) folded.arcs.push_back(std::move(a));
  }
  return folded;
}

} // namespace instar
