#include "lifecycle/unknown_types.hpp"

#include <string>

namespace instar {

namespace {

bool fits(const std::string& port, const std::string& other) {
  return port.empty() || port == other;
}

/// The only arc of `other` that it can be; null if there are none or several.
const arc_node* same_arc(const arc_node& a, const graph& other, const lineage& by) {
  const auto from = by.old_names.find(a.from), to = by.old_names.find(a.to);
  if (from == by.old_names.end() || to == by.old_names.end()) return nullptr;
  const arc_node* found = nullptr;
  for (const auto& b : other.arcs) {
    if (b.from != from->second || b.to != to->second || !fits(a.from_port, b.from_port) ||
        !fits(a.to_port, b.to_port))
      continue;
    if (found) return nullptr;
    found = &b;
  }
  return found;
}

} // namespace

void complete_from(graph& unchecked, const graph_check& check, const graph& other,
                   const lineage& by) {
  for (auto& op : unchecked.operators) {
    const auto old = by.old_names.find(op.name);
    if (check.types.count(op.name) || old == by.old_names.end()) continue;
    for (const auto& [key, value] : other.find(old->second)->values.all())
      if (!op.values.all().count(key)) op.values.set(key, value);
  }
  for (auto& a : unchecked.arcs) {
    if (!a.from_port.empty() && !a.to_port.empty()) continue;
    const auto* same = same_arc(a, other, by);
    if (!same) continue;
    a.from_port = same->from_port;
    a.to_port = same->to_port;
  }
}

} // namespace instar
