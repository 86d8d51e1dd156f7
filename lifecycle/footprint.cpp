#include "lifecycle/footprint.hpp"

#include <algorithm>
#include <cstddef>
#include <map>

namespace instar {

namespace {

using names = footprint::names;

bool share(const names& a, const names& b) {
  return std::any_of(a.begin(), a.end(), [&](const std::string& n) { return b.count(n) > 0; });
}

/// One of the two graphs with its arcs by operator, and what has been found in it.
class shape {
public:
  explicit shape(const typed_graph& g) : g_(g) {
    for (const auto& a : g.content.arcs) {
      out_[a.from].push_back(&a);
      in_[a.to].push_back(&a);
    }
  }

  names flow;     ///< arcs along which packets go that operators at `add` send or get
  names below;    ///< operators that arcs lead to from them
  names reshaped; ///< the same of those that change the graph's shape

  void add(const std::string& at, bool reshapes) {
    add_flow(at, flow);
    add_below(at, below);
    if (reshapes) add_below(at, reshaped);
  }

private:
  using arcs_by_operator = std::map<std::string, std::vector<const arc_node*>, std::less<>>;
  using seen_arcs = std::set<const arc_node*>;

  /// What is in `found` has been followed before.
  void add_below(const std::string& at, names& found) const {
    std::vector<const std::string*> open{&at};
    while (!open.empty()) {
      const auto next = out_.find(*open.back());
      open.pop_back();
      if (next == out_.end()) continue;
      for (const auto* a : next->second)
        if (found.insert(a->to).second) open.push_back(&a->to);
    }
  }

  void add_flow(const std::string& at, names& found) {
    follow(out_, at, down_, found, [this](const arc_node& a, auto&& go_on) {
      each_passage(a.to, [&](const std::string& input, const std::string& output) {
        if (input != a.to_port) return;
        for (const auto* next : out_[a.to])
          if (next->from_port == output) go_on(next);
      });
    });
    follow(in_, at, up_, found, [this](const arc_node& a, auto&& go_on) {
      each_passage(a.from, [&](const std::string& input, const std::string& output) {
        if (output != a.from_port) return;
        for (const auto* before : in_[a.from])
          if (before->to_port == input) go_on(before);
      });
    });
  }

  template <class Onward>
  static void follow(const arcs_by_operator& by, const std::string& at, seen_arcs& seen,
                     names& found, Onward onward) {
    std::vector<const arc_node*> open;
    const auto go_on = [&](const arc_node* a) {
      if (!seen.insert(a).second) return;
      found.insert(a->name());
      open.push_back(a);
    };
    if (const auto first = by.find(at); first != by.end())
      for (const auto* a : first->second) go_on(a);
    while (!open.empty()) {
      const auto* a = open.back();
      open.pop_back();
      onward(*a, go_on);
    }
  }

  /// Which inputs of an operator are passed on to which outputs.
  template <class Each>
  void each_passage(const std::string& op, Each each) const {
    const auto type = g_.types.find(op);
    if (type == g_.types.end()) return;
    const auto& inputs = type->second.inputs;
    for (const auto& out : type->second.outputs)
      if (out.follows >= 0 && static_cast<std::size_t>(out.follows) < inputs.size())
        each(inputs[static_cast<std::size_t>(out.follows)].name, out.name);
  }

  const typed_graph& g_;
  arcs_by_operator out_, in_;
  seen_arcs down_, up_;
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
  shape before(running), after(wanted);
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
  for (auto* g : {&before, &after}) {
    touched.operators.merge(g->reshaped);
    touched.arcs.merge(g->flow);
    touched.below->merge(g->below);
  }
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
