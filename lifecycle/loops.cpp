#include "lifecycle/loops.hpp"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

namespace instar {

namespace {

class drain_search {
public:
  explicit drain_search(const drain_query& q)
      : q_(q), n_(q.changes.size()), leaving_(n_), entering_(n_), emptied_(q.arcs.size(), false) {
    for (std::size_t a = 0; a < q.arcs.size(); ++a) {
      leaving_[q.arcs[a].from].push_back(a);
      entering_[q.arcs[a].to].push_back(a);
    }
  }

  drain_need run() {
    drain_need need{std::vector<bool>(n_, false), std::vector<bool>(n_, false),
                    std::vector<drain_part>(q_.arcs.size(), drain_part::none)};
    std::vector<std::size_t> heads;
    for (std::size_t a = 0; a < q_.arcs.size(); ++a) {
      emptied_[a] = is_feedback(a) && (q_.arcs[a].removed || changes_within(a));
      if (emptied_[a]) heads.push_back(q_.arcs[a].to);
    }
    if (heads.empty()) return need;

    const auto inner = behind(heads);
    auto reached = inner;
    for (const auto head : heads) {
      need.heads[head] = !inner[head];
      reached[head] = true;
    }
    const auto counts = [&](std::size_t a) {
      const auto& arc = q_.arcs[a];
      if (!reached[arc.from] || !reached[arc.to]) return false;
      // Other feedback arcs to an outermost head bring packets from outside its loop.
      return !is_feedback(a) || emptied_[a] || !need.heads[arc.to];
    };
    std::vector<std::size_t> tails;
    for (std::size_t a = 0; a < q_.arcs.size(); ++a)
      if (emptied_[a]) tails.push_back(q_.arcs[a].from);
    const auto returns = before(tails, counts);

    need.crossed = need.heads;
    for (std::size_t a = 0; a < q_.arcs.size(); ++a) {
      const auto& arc = q_.arcs[a];
      if (!returns[arc.to]) continue;
      if (counts(a)) {
        need.arcs[a] = drain_part::inside;
        need.crossed[arc.from] = true;
      }
      if (is_feedback(a) || reached[arc.from] || need.heads[arc.to]) continue;
      need.arcs[a] = drain_part::entrance;
      need.crossed[arc.from] = need.crossed[arc.to] = true;
    }
    return need;
  }

private:
  bool is_feedback(std::size_t a) const { return q_.arcs[a].feedback != feedback_policy::none; }

  /// Whether an operator changes in the loop of this feedback arc, if it is one to be drained.
  bool changes_within(std::size_t feedback) const {
    if (q_.arcs[feedback].feedback != feedback_policy::drain) return false;
    const auto head = q_.arcs[feedback].to;
    auto reached = behind({head});
    reached[head] = true;
    const auto loop = before({q_.arcs[feedback].from}, [&](std::size_t a) {
      const auto& arc = q_.arcs[a];
      return reached[arc.from] && reached[arc.to] && !(is_feedback(a) && arc.to == head);
    });
    for (std::size_t i = 0; i < n_; ++i)
      if (loop[i] && q_.changes[i]) return true;
    return false;
  }

  /// What ordinary arcs lead to from any of these, itself not counted.
  std::vector<bool> behind(const std::vector<std::size_t>& starts) const {
    std::vector<bool> found(n_, false);
    auto open = starts;
    while (!open.empty()) {
      const auto at = open.back();
      open.pop_back();
      for (const auto a : leaving_[at]) {
        const auto to = q_.arcs[a].to;
        if (is_feedback(a) || found[to]) continue;
        found[to] = true;
        open.push_back(to);
      }
    }
    return found;
  }

  /// From where arcs that count lead to any of these, which are among them.
  template <class Counts>
  std::vector<bool> before(const std::vector<std::size_t>& ends, const Counts& counts) const {
    std::vector<bool> found(n_, false);
    std::vector<std::size_t> open;
    for (const auto end : ends) {
      if (!found[end]) open.push_back(end);
      found[end] = true;
    }
    while (!open.empty()) {
      const auto at = open.back();
      open.pop_back();
      for (const auto a : entering_[at]) {
        const auto from = q_.arcs[a].from;
        if (found[from] || !counts(a)) continue;
        found[from] = true;
        open.push_back(from);
      }
    }
    return found;
  }

  const drain_query& q_;
  const std::size_t n_;
  std::vector<std::vector<std::size_t>> leaving_, entering_; ///< arcs by operator
  std::vector<bool> emptied_;                                ///< by arc: feedback, to be emptied
};

} // namespace

drain_need find_drain(const drain_query& of) { return drain_search(of).run(); }

namespace {

/// Strongly connected components after Kosaraju, without recursion: graphs may be deep.
class component_search {
public:
  component_search(std::size_t n, const std::vector<std::pair<std::size_t, std::size_t>>& arcs)
      : next_(n), previous_(n), component_(n, cycle_groups::none) {
    for (const auto& [from, to] : arcs) {
      next_[from].push_back(to);
      previous_[to].push_back(from);
    }
  }

  /// The component of each operator.
  std::vector<std::size_t> run() {
    std::vector<std::size_t> order; // by when they are done with
    std::vector<bool> seen(next_.size(), false);
    for (std::size_t i = 0; i < next_.size(); ++i) finish(i, seen, order);
    std::size_t components = 0;
    for (auto at = order.rbegin(); at != order.rend(); ++at)
      if (component_[*at] == cycle_groups::none) mark(*at, components++);
    return std::move(component_);
  }

private:
  void finish(std::size_t start, std::vector<bool>& seen, std::vector<std::size_t>& order) const {
    if (seen[start]) return;
    std::vector<std::pair<std::size_t, std::size_t>> open{{start, 0}}; // operator, arcs gone
    seen[start] = true;
    while (!open.empty()) {
      auto& [at, gone] = open.back();
      if (gone == next_[at].size()) {
        order.push_back(at);
        open.pop_back();
      } else if (const auto to = next_[at][gone++]; !seen[to]) {
        seen[to] = true;
        open.emplace_back(to, 0);
      }
    }
  }

  void mark(std::size_t start, std::size_t component) {
    std::vector<std::size_t> open{start};
    component_[start] = component;
    while (!open.empty()) {
      const auto at = open.back();
      open.pop_back();
      for (const auto from : previous_[at]) {
        if (component_[from] != cycle_groups::none) continue;
        component_[from] = component;
        open.push_back(from);
      }
    }
  }

  std::vector<std::vector<std::size_t>> next_, previous_;
  std::vector<std::size_t> component_;
};

} // namespace

cycle_groups find_cycles(const graph& in) {
  cycle_groups found;
  found.of.assign(in.operators.size(), cycle_groups::none);
  if (std::none_of(in.arcs.begin(), in.arcs.end(),
                   [](const arc_node& a) { return a.feedback != feedback_policy::none; }))
    return found;
  std::map<std::string_view, std::size_t> index;
  for (std::size_t i = 0; i < in.operators.size(); ++i) index.emplace(in.operators[i].name, i);
  std::vector<std::pair<std::size_t, std::size_t>> arcs;
  for (const auto& a : in.arcs) arcs.emplace_back(index.at(a.from), index.at(a.to));
  const auto component = component_search(in.operators.size(), arcs).run();
  std::map<std::size_t, std::size_t> group_of;
  // Every cycle has a feedback arc.
  for (std::size_t a = 0; a < in.arcs.size(); ++a) {
    if (in.arcs[a].feedback == feedback_policy::none) continue;
    const auto [at, fresh] = group_of.emplace(component[arcs[a].first], found.groups.size());
    if (fresh) found.groups.emplace_back();
    found.groups[at->second].feedback.push_back(a);
  }
  for (std::size_t i = 0; i < in.operators.size(); ++i) {
    const auto at = group_of.find(component[i]);
    if (at == group_of.end()) continue;
    found.of[i] = at->second;
    found.groups[at->second].operators.push_back(i);
  }
  return found;
}

} // namespace instar
