#include "lifecycle/graph_index.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace instar {

graph_index::graph_index(const typed_graph& of)
    : names_(of.content), cycles_(find_cycles(of.content)) {
  const auto& g = of.content;
  for (const auto& op : g.operators) shape_.splits.push_back(of.types.find(op.name)->second.splits);
  shape_.operators = g.operators.size();
  shape_.changes.assign(g.operators.size(), false);
  ends_.reserve(g.arcs.size());
  for (const auto& a : g.arcs) {
    ends_.emplace_back(find(a.from), find(a.to));
    if (a.feedback == feedback_policy::none)
      shape_.arcs.emplace_back(ends_.back().first, ends_.back().second);
  }
  out_ = by_end(g.operators.size(), [](const auto& ends) { return ends.first; });
  in_ = by_end(g.operators.size(), [](const auto& ends) { return ends.second; });
  for (const auto& group : cycles_.groups)
    draining_.push_back(
        std::any_of(group.feedback.begin(), group.feedback.end(),
                    [&](std::size_t a) { return g.arcs[a].feedback == feedback_policy::drain; }));
}

template <class End>
graph_index::adjacency graph_index::by_end(std::size_t operators, End end) const {
  adjacency made;
  made.first.assign(operators + 1, 0);
  for (const auto& e : ends_) ++made.first[end(e) + 1];
  for (std::size_t i = 0; i < operators; ++i) made.first[i + 1] += made.first[i];
  auto next = made.first;
  made.arcs.resize(ends_.size());
  for (number a = 0; a < ends_.size(); ++a) made.arcs[next[end(ends_[a])]++] = a;
  return made;
}

void graph_index::set_type(number op, const operator_description& type) {
  shape_.splits[op] = type.splits;
}

graph_index::numbers graph_index::below(const numbers& starts) const {
  std::vector<bool> seen(shape_.operators, false);
  numbers found;
  const auto follow = [&](number op) {
    for (const auto a : leaving(op)) {
      if (seen[to(a)]) continue;
      seen[to(a)] = true;
      found.push_back(to(a));
    }
  };
  for (const auto start : starts) follow(start);
  for (std::size_t done = 0; done < found.size(); ++done) follow(found[done]);
  return found;
}

graph_index::numbers graph_index::region_of(const numbers& changes) const {
  auto query = shape_;
  for (const auto op : changes) query.changes[op] = true;
  const auto region = find_region(query);
  numbers found;
  for (number op = 0; op < region.operators.size(); ++op)
    if (region.operators[op]) found.push_back(op);
  return found;
}

std::span<const std::size_t> graph_index::on_cycles_with(number op) const {
  const auto group = cycles_.of[op];
  if (group == cycle_groups::none) return {};
  return cycles_.groups[group].operators;
}

std::vector<graph_index::cycles_and_below> graph_index::cycles_above(const numbers& some) const {
  std::vector<cycles_and_below> found;
  if (cycles_.groups.empty()) return found;
  std::set<std::size_t> groups;
  for (const auto op : below(some))
    if (cycles_.of[op] != cycle_groups::none) groups.insert(cycles_.of[op]);
  const std::set<number> wanted(some.begin(), some.end());
  for (const auto group : groups) {
    const auto& operators = cycles_.groups[group].operators;
    cycles_and_below one{&cycles_.groups[group], {}};
    for (const auto op : below(numbers(operators.begin(), operators.end())))
      if (wanted.count(op) && cycles_.of[op] != group) one.below.push_back(op);
    if (!one.below.empty()) found.push_back(std::move(one));
  }
  return found;
}

bool graph_index::drains(number op) const {
  const auto group = cycles_.of[op];
  return group != cycle_groups::none && draining_[group];
}

namespace {

/// Collects operators or arcs, each once.
class collection {
public:
  explicit collection(std::size_t all) : in_(all, false) {}
  bool add(std::size_t one) {
    if (in_[one]) return false;
    in_[one] = true;
    list_.push_back(static_cast<graph_index::number>(one));
    return true;
  }
  bool has(std::size_t one) const { return in_[one]; }
  graph_index::numbers sorted() && {
    std::sort(list_.begin(), list_.end());
    return std::move(list_);
  }
  const graph_index::numbers& list() const { return list_; }

private:
  std::vector<bool> in_;
  graph_index::numbers list_;
};

/// Follows packets in both directions, through operators that pass them on.
class flow_search {
public:
  flow_search(const typed_graph& of, const graph_index& index)
      : of_(of), index_(index), found_(of.content.arcs.size()), down_(of.content.arcs.size()),
        up_(of.content.arcs.size()) {}

  graph_index::numbers run(const graph_index::numbers& starts) {
    for (const auto op : starts) {
      for (const auto a : index_.leaving(op)) down_.add(a);
      for (const auto a : index_.entering(op)) up_.add(a);
    }
    for (std::size_t done = 0; done < down_.list().size(); ++done) onward(down_.list()[done]);
    for (std::size_t done = 0; done < up_.list().size(); ++done) back(up_.list()[done]);
    for (const auto* way : {&down_, &up_})
      for (const auto a : way->list()) found_.add(a);
    return std::move(found_).sorted();
  }

private:
  const arc_node& arc(graph_index::number a) const { return of_.content.arcs[a]; }

  /// Which inputs of an operator are passed on to which outputs.
  template <class Each>
  void each_passage(const std::string& op, Each each) const {
    const auto& type = of_.types.find(op)->second;
    for (const auto& out : type.outputs)
      if (out.follows >= 0 && static_cast<std::size_t>(out.follows) < type.inputs.size())
        each(type.inputs[static_cast<std::size_t>(out.follows)].name, out.name);
  }

  void onward(graph_index::number a) {
    each_passage(arc(a).to, [&](const std::string& input, const std::string& output) {
      if (input != arc(a).to_port) return;
      for (const auto next : index_.leaving(index_.to(a)))
        if (arc(next).from_port == output) down_.add(next);
    });
  }

  void back(graph_index::number a) {
    each_passage(arc(a).from, [&](const std::string& input, const std::string& output) {
      if (output != arc(a).from_port) return;
      for (const auto before : index_.entering(index_.from(a)))
        if (arc(before).to_port == input) up_.add(before);
    });
  }

  const typed_graph& of_;
  const graph_index& index_;
  collection found_, down_, up_;
};

graph_index::numbers all_of(std::size_t count) {
  graph_index::numbers all(count);
  for (std::size_t i = 0; i < count; ++i) all[i] = static_cast<graph_index::number>(i);
  return all;
}

} // namespace

graph_index::numbers find_flow(const typed_graph& of, const graph_index& index,
                               const graph_index::numbers& operators) {
  return flow_search(of, index).run(operators);
}

neighbourhood find_neighbourhood(const typed_graph& of, const graph_index& index,
                                 const graph_index::numbers& changes) {
  const auto& g = of.content;
  neighbourhood found;
  found.flow_arcs = find_flow(of, index, changes);
  collection at_flow(g.operators.size());
  for (const auto op : changes) at_flow.add(op);
  for (const auto a : found.flow_arcs)
    for (const auto end : {index.from(a), index.to(a)}) at_flow.add(end);
  if (std::any_of(changes.begin(), changes.end(), [&](auto op) { return index.drains(op); })) {
    // Markers close all ways into the loops that are emptied, wherever they are.
    found.operators = all_of(g.operators.size());
    found.arcs = all_of(g.arcs.size());
  } else {
    auto near = at_flow;
    for (const auto op : index.region_of(changes)) near.add(op);
    for (const auto op : changes)
      for (const auto other : index.on_cycles_with(op)) near.add(other);
    collection arcs(g.arcs.size());
    for (const auto op : near.list())
      for (const auto a : index.leaving(op))
        if (near.has(index.to(a))) arcs.add(a);
    found.operators = std::move(near).sorted();
    found.arcs = std::move(arcs).sorted();
  }
  found.flow_operators = std::move(at_flow).sorted();
  return found;
}

typed_graph part_of(const typed_graph& whole, const graph_index::numbers& operators,
                    const graph_index::numbers& arcs) {
  typed_graph part;
  part.content.name = whole.content.name;
  part.content.origin = whole.content.origin;
  part.content.modules = whole.content.modules;
  part.content.operators.reserve(operators.size());
  for (const auto op : operators) {
    const auto& node = whole.content.operators[op];
    part.content.operators.push_back(node);
    part.types.emplace(node.name, whole.types.find(node.name)->second);
  }
  part.content.arcs.reserve(arcs.size());
  for (const auto a : arcs) part.content.arcs.push_back(whole.content.arcs[a]);
  return part;
}

} // namespace instar
