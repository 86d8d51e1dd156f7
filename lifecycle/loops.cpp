#include "lifecycle/loops.hpp"

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
      if (counts(a)) need.arcs[a] = drain_part::inside;
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

} // namespace instar
