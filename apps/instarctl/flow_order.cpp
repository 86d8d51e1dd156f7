#include "apps/instarctl/flow_order.hpp"

#include <algorithm>
#include <map>
#include <string>

namespace instar::instarctl {

std::pair<std::string_view, std::string_view> ends_of(std::string_view arc) {
  const auto arrow = arc.find(" -> ");
  if (arrow == arc.npos) return {};
  const auto operator_of = [](std::string_view end) { return end.substr(0, end.find('.')); };
  return {operator_of(arc.substr(0, arrow)), operator_of(arc.substr(arrow + 4))};
}

void sort_by_flow(service_status& status) {
  // The length of the longest way to each operator, without arcs that lead back. So many rounds
  // settle any graph that was checked.
  std::map<std::string, std::size_t, std::less<>> depth;
  for (std::size_t round = 0; round < status.operators.size(); ++round) {
    bool changed = false;
    for (const auto& arc : status.arcs) {
      if (arc.feedback) continue;
      const auto [from, to] = ends_of(arc.name);
      const auto beyond = depth[std::string(from)] + 1;
      auto& known = depth[std::string(to)];
      if (known >= beyond) continue;
      known = beyond;
      changed = true;
    }
    if (!changed) break;
  }
  std::stable_sort(status.operators.begin(), status.operators.end(),
                   [&](const operator_status& a, const operator_status& b) {
                     return depth[a.name] < depth[b.name];
                   });
  std::stable_sort(status.arcs.begin(), status.arcs.end(),
                   [&](const arc_status& a, const arc_status& b) {
                     return depth[std::string(ends_of(a.name).first)] <
                            depth[std::string(ends_of(b.name).first)];
                   });
}

} // namespace instar::instarctl
