#include "lifecycle/lineage.hpp"

#include "actors/nearest.hpp"

#include <set>

namespace instar {

namespace {

using names = std::set<std::string, std::less<>>;

names names_of(const graph& g) {
  names all;
  for (const auto& op : g.operators) all.insert(op.name);
  return all;
}

failure refuse(const operator_node& op, const names& running, const names& taken) {
  const auto start = "operator '" + op.name + "': was = \"" + op.was + "\" ";
  if (taken.count(op.was))
    return {errc::bad_input, start + "names an operator that another one goes on from already; "
                                     "give each a `was` of its own"};
  return {errc::not_found, start +
                               "names no operator of the running graph; leave it out "
                               "to start '" +
                               op.name + "' anew" +
                               suggest(op.was, {running.begin(), running.end()})};
}

} // namespace

lineage trace_lineage(const graph& running, const graph& wanted) {
  lineage found;
  const auto old = names_of(running), after = names_of(wanted);
  names taken; // running operators that go on under another name
  const auto follows = [&](const operator_node& op) {
    return !op.was.empty() && op.was != op.name && old.count(op.was) && !taken.count(op.was) &&
           !found.old_names.count(op.name) &&
           (!old.count(op.name) || taken.count(op.name) || !after.count(op.was));
  };
  // Each renaming may free a name for another.
  for (bool more = true; more;) {
    more = false;
    for (const auto& op : wanted.operators) {
      if (!follows(op)) continue;
      found.old_names.emplace(op.name, op.was);
      taken.insert(op.was);
      more = true;
    }
  }
  for (const auto& op : wanted.operators) {
    if (found.old_names.count(op.name)) continue;
    if (old.count(op.name) && !taken.count(op.name)) found.old_names.emplace(op.name, op.name);
    else if (!op.was.empty() && op.was != op.name && !old.empty())
      found.refusals.push_back(refuse(op, old, taken));
  }
  return found;
}

} // namespace instar
