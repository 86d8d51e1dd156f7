#include "lifecycle/flush.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>

namespace instar {

namespace {

/// What can be reached along `arcs` from those in `found`, with these.
void reach(std::vector<bool>& found, const std::vector<std::pair<std::size_t, std::size_t>>& arcs) {
  std::vector<std::vector<std::size_t>> next(found.size());
  for (const auto& [from, to] : arcs) next[from].push_back(to);
  std::vector<std::size_t> open;
  for (std::size_t i = 0; i < found.size(); ++i)
    if (found[i]) open.push_back(i);
  while (!open.empty()) {
    const auto at = open.back();
    open.pop_back();
    for (const auto to : next[at]) {
      if (found[to]) continue;
      found[to] = true;
      open.push_back(to);
    }
  }
}

} // namespace

std::vector<bool> find_flush(const flush_query& q) {
  std::vector<bool> above(q.operators, false);
  auto backward = q.arcs;
  for (auto& [from, to] : backward) std::swap(from, to);
  for (std::size_t i = 0; i < q.arcs.size(); ++i)
    if (q.ends[i]) above[q.arcs[i].first] = true;
  auto parts = above; // of these, what is below has to be flushed
  reach(above, backward);
  std::vector<std::size_t> ways(q.operators, 0);
  for (const auto& [from, to] : q.arcs) ++ways[from];
  for (std::size_t i = 0; i < q.operators; ++i) {
    const bool parting = ways[i] > 1 || (q.splits[i] && ways[i] > 0);
    if ((above[i] && parting) || q.ceases[i]) parts[i] = true;
  }
  std::vector<bool> below(q.operators, false);
  for (const auto& [from, to] : q.arcs)
    if (parts[from]) below[to] = true;
  reach(below, q.arcs);
  return below;
}

namespace {

using names = std::set<std::string, std::less<>>;

/// The arcs that a transition adds, and the operators that it adds or takes away.
class replaced_ways {
public:
  explicit replaced_ways(const transition_plan& plan) {
    for (const auto& op : plan.operators) {
      if (op.action == operator_action::add) added_.insert(op.name);
      else if (op.action == operator_action::remove) removed_.insert(op.name);
      else now_.emplace(op.before(), op.name);
    }
    std::map<std::pair<std::string, std::string>, int> alike;
    for (const auto& a : plan.arcs) {
      if (a.arc.feedback != feedback_policy::none) continue;
      if (a.action == arc_action::add) {
        leaving_[a.arc.from].push_back(a.arc.to);
        continue;
      }
      if (removed_.count(a.arc.from)) after_[a.arc.from].push_back(&a.arc);
      if (removed_.count(a.arc.to)) before_[a.arc.to].push_back(&a.arc);
      if (a.action == arc_action::remove && ++alike[{a.arc.from, a.arc.to}] > 1)
        doubled_.insert(a.arc.from);
    }
  }

  /// Of an arc that is removed.
  bool goes_on(const arc_node& a) const {
    if (doubled_.count(a.from)) return false;
    if (removed_.count(a.to)) return is_taken_out(a.to);
    if (removed_.count(a.from)) return is_taken_out(a.from);
    return leads(a.from, a.to, true);
  }

private:
  /// Between two that stay, which an arc joins now.
  bool is_taken_out(const std::string& op) const {
    const auto in = before_.find(op), out = after_.find(op);
    return in != before_.end() && out != after_.end() && in->second.size() == 1 &&
           out->second.size() == 1 && !removed_.count(in->second[0]->from) &&
           !removed_.count(out->second[0]->to) &&
           leads(in->second[0]->from, out->second[0]->to, false);
  }

  /// Along arcs that are added, between two that stay; directly, or through new operators.
  bool leads(const std::string& from, const std::string& to, bool through) const {
    const auto first = now_.find(from), last = now_.find(to);
    if (first == now_.end() || last == now_.end()) return false;
    names seen;
    std::vector<std::string> open{first->second};
    while (!open.empty()) {
      const auto at = std::move(open.back());
      open.pop_back();
      const auto found = leaving_.find(at);
      if (found == leaving_.end()) continue;
      for (const auto& next : found->second) {
        if (next == last->second) return true;
        if (through && added_.count(next) && seen.insert(next).second) open.push_back(next);
      }
    }
    return false;
  }

  names added_, removed_, doubled_;
  std::map<std::string, std::string, std::less<>> now_; ///< names after the transition
  std::map<std::string, std::vector<std::string>, std::less<>> leaving_; ///< added arcs
  std::map<std::string, std::vector<const arc_node*>, std::less<>> before_, after_;
};

} // namespace

std::vector<bool> find_ended_ways(const transition_plan& plan) {
  const auto ends = [](const arc_change& a) {
    return a.action == arc_action::remove && a.arc.feedback == feedback_policy::none;
  };
  std::vector<bool> ended;
  for (const auto& a : plan.arcs)
    if (a.action != arc_action::add) ended.push_back(ends(a));
  if (std::find(ended.begin(), ended.end(), true) == ended.end()) return ended;
  const replaced_ways ways(plan);
  std::size_t i = 0;
  for (const auto& a : plan.arcs)
    if (a.action != arc_action::add && ended[i++]) ended[i - 1] = !ways.goes_on(a.arc);
  return ended;
}

} // namespace instar
