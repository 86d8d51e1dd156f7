#include "lifecycle/scaling.hpp"

#include <functional>
#include <map>
#include <set>
#include <utility>

namespace instar {

namespace {

struct replicas {
  std::vector<std::string> names;
  bool shared = false; // more than one, by the graph file
};
using by_written_name = std::map<std::string, replicas, std::less<>>;

template <class Goes>
by_written_name collect(const graph& g, Goes goes) {
  by_written_name found;
  for (const auto& op : g.operators) {
    if (op.transient || goes(op.name)) continue;
    auto& one = found[op.written_name()];
    one.names.push_back(op.name);
    one.shared = one.shared || !op.replica_of.empty();
  }
  return found;
}

} // namespace

std::vector<scaling> find_scalings(const graph& running, const graph& wanted, const lineage& by) {
  std::set<std::string, std::less<>> go_on; // by running name
  for (const auto& [after, before] : by.old_names) go_on.insert(before);
  auto ending = collect(running, [&](const std::string& name) { return go_on.count(name) > 0; });
  auto beginning =
      collect(wanted, [&](const std::string& name) { return by.old_names.count(name) > 0; });
  std::vector<scaling> found;
  for (auto& [name, before] : ending) {
    const auto after = beginning.find(name);
    if (after == beginning.end() || !(before.shared || after->second.shared)) continue;
    found.push_back({name, std::move(before.names), std::move(after->second.names)});
  }
  return found;
}

} // namespace instar
