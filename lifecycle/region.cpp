#include "lifecycle/region.hpp"

#include <span>

namespace instar {

namespace {

/// What arcs lead to from each operator, one list behind the other.
class followers {
public:
  explicit followers(const region_query& q) : first_(q.operators + 1, 0), to_(q.arcs.size()) {
    for (const auto& [from, to] : q.arcs) ++first_[from + 1];
    for (std::size_t i = 0; i < q.operators; ++i) first_[i + 1] += first_[i];
    auto next = first_;
    for (const auto& [from, to] : q.arcs) to_[next[from]++] = to;
  }
  std::span<const std::size_t> operator[](std::size_t i) const {
    return {to_.data() + first_[i], first_[i + 1] - first_[i]};
  }

private:
  std::vector<std::size_t> first_, to_;
};

/// The operators so that every arc leads forward.
std::vector<std::size_t> topological_order(const region_query& q, const followers& next) {
  std::vector<std::size_t> missing(q.operators, 0);
  for (const auto& [from, to] : q.arcs) ++missing[to];
  std::vector<std::size_t> order;
  order.reserve(q.operators);
  for (std::size_t i = 0; i < q.operators; ++i)
    if (missing[i] == 0) order.push_back(i);
  for (std::size_t done = 0; done < order.size(); ++done)
    for (const auto to : next[order[done]])
      if (--missing[to] == 0) order.push_back(to);
  return order;
}

} // namespace

marker_region find_region(const region_query& q) {
  const followers next(q);
  const auto order = topological_order(q, next);

  // From the end: which operators lead to a change, and by how many of their arcs.
  std::vector<bool> leads(q.operators, false);
  std::vector<bool> starts(q.operators, false);
  for (auto at = order.rbegin(); at != order.rend(); ++at) {
    std::size_t ways = 0;
    for (const auto to : next[*at]) ways += leads[to];
    leads[*at] = q.changes[*at] || ways > 0;
    starts[*at] = q.changes[*at] || ways > 1 || (q.splits[*at] && ways > 0);
  }

  // From the start: what lies between a start and a change.
  marker_region region;
  region.operators.assign(q.operators, false);
  std::vector<bool> below(q.operators, false);
  for (const auto i : order) {
    region.operators[i] = leads[i] && (starts[i] || below[i]);
    if (region.operators[i])
      for (const auto to : next[i]) below[to] = true;
  }

  region.heads = region.operators;
  region.arcs.reserve(q.arcs.size());
  for (const auto& [from, to] : q.arcs) {
    const bool inside = region.operators[from] && region.operators[to];
    region.arcs.push_back(inside);
    if (inside) region.heads[to] = false;
  }
  return region;
}

} // namespace instar
