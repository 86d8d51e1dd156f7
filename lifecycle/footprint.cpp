#include "lifecycle/footprint.hpp"

#include "lifecycle/graph_index.hpp"

#include <algorithm>
#include <set>

namespace instar {

namespace {

using names = footprint::names;

bool share(const names& a, const names& b) {
  return std::any_of(a.begin(), a.end(), [&](const std::string& n) { return b.count(n) > 0; });
}

/// The operators of one of the two graphs that change.
class changes {
public:
  explicit changes(const typed_graph& g) : g_(g), index_(g) {}

  void add(const std::string& name, bool reshapes) {
    const auto op = index_.find(name);
    all_.push_back(op);
    if (reshapes) reshaping_.push_back(op);
  }

  void note(footprint& touched) const {
    for (const auto a : find_flow(g_, index_, all_)) touched.arcs.insert(g_.content.arcs[a].name());
    note_below(all_, *touched.below);
    note_below(reshaping_, touched.operators);
  }

private:
  void note_below(const graph_index::numbers& those, names& found) const {
    for (const auto op : index_.below(those)) found.insert(g_.content.operators[op].name);
  }

  const typed_graph& g_;
  const graph_index index_;
  graph_index::numbers all_, reshaping_;
};

bool splits(const typed_graph& g, const std::string& name) {
  const auto type = g.types.find(name);
  return type != g.types.end() && type->second.splits;
}

} // namespace

bool footprint::disjoint(const footprint& other) const {
  return !share(operators, other.operators) && !share(arcs, other.arcs);
}

bool footprint::waits_for(const footprint& other) const { return share(other.operators, *below); }

footprint make_footprint(const transition_plan& plan, const typed_graph& running,
                         const typed_graph& wanted, const std::vector<std::string>& named) {
  footprint touched;
  touched.operators.insert(named.begin(), named.end());
  touched.below.emplace();
  changes before(running), after(wanted);
  for (const auto& op : plan.operators) {
    if (!op.participates() && !op.in_region) continue;
    touched.operators.insert({op.before(), op.name});
    if (!op.participates()) continue;
    touched.changed.insert({op.before(), op.name});
    const bool reshapes = op.arcs_change || op.action == operator_action::add ||
                          splits(running, op.before()) != splits(wanted, op.name);
    if (op.action != operator_action::add) before.add(op.before(), reshapes);
    if (op.action != operator_action::remove) after.add(op.name, reshapes);
  }
  for (const auto& a : plan.arcs)
    if (a.drain != drain_part::none) touched.operators.insert({a.arc.from, a.arc.to});
  before.note(touched);
  after.note(touched);
  return touched;
}

bool may_start(const footprint& candidate, const std::vector<const footprint*>& running,
               const std::vector<const footprint*>& waiting) {
  const auto apart = [&](const footprint* other) { return candidate.disjoint(*other); };
  if (!std::all_of(waiting.begin(), waiting.end(), apart)) return false;
  if (!std::all_of(running.begin(), running.end(), apart)) return false;
  // Whoever the candidate waits for, and whoever those wait for, must not wait for it.
  std::vector<const footprint*> open{&candidate};
  std::set<const footprint*> seen;
  while (!open.empty()) {
    const auto* at = open.back();
    open.pop_back();
    for (const auto* next : running) {
      if (!at->waits_for(*next) || !seen.insert(next).second) continue;
      if (next->waits_for(candidate)) return false;
      open.push_back(next);
    }
  }
  return true;
}

} // namespace instar
