#include "lifecycle/planner.hpp"

#include "lifecycle/unknown_types.hpp"

#include <algorithm>
#include <utility>

namespace instar {

result<const graph_versions::version*> planner::version_of(rollback_to wanted) const {
  return wanted.epoch == 0 ? versions_.former() : versions_.find(wanted.epoch);
}

result<graph> planner::resolve(const wanted_graph& wanted) const {
  if (const auto* whole = std::get_if<graph>(&wanted)) return *whole;
  if (const auto* back = std::get_if<rollback_to>(&wanted)) {
    const auto version = version_of(*back);
    if (!version) return version.error();
    return *(*version)->given;
  }
  if (const auto* edit = std::get_if<graph_edit>(&wanted))
    return apply_edit(versions_.given(), versions_.running().content, *edit);
  graph changed = versions_.given();
  for (const auto& update : std::get<std::vector<operator_update>>(wanted)) {
    auto found = std::find_if(changed.operators.begin(), changed.operators.end(),
                              [&](const operator_node& op) { return op.name == update.name; });
    if (found == changed.operators.end())
      return failure{errc::not_found, "operator '" + update.name +
                                          "' is not in the running graph; `instarctl graph` lists "
                                          "its operators"};
    found->type = update.type;
    found->version = update.version;
  }
  return changed;
}

graph_check planner::check(graph candidate) {
  library_.set_places(candidate.modules);
  return check_graph(std::move(candidate), [this](std::string_view type, std::uint32_t version) {
    return library_.describe(type, version);
  });
}

planned planner::make(const wanted_graph& wanted) {
  planned made;
  made.as_of = versions_.generation();
  std::vector<std::string> named;
  if (const auto* updates = std::get_if<std::vector<operator_update>>(&wanted)) {
    made.whole = false;
    for (const auto& update : *updates) named.push_back(update.name);
  }
  auto target = resolve(wanted);
  if (!target) {
    made.plan.refusals.push_back(target.error());
    return made;
  }
  made.given = std::move(*target);
  auto checked = check(made.given);
  if (!checked.mistakes.empty()) {
    made.plan = compare({}, made.given);
    if (made.plan.refusals.empty()) made.plan.refusals = std::move(checked.mistakes);
    return made;
  }
  made.wanted = {std::move(checked.checked), std::move(checked.types)};
  const auto* back = std::get_if<rollback_to>(&wanted);
  const auto by = back ? graph_versions::between(*versions_.latest(), **version_of(*back))
                       : trace_lineage(versions_.running().content, made.wanted.content);
  made.plan = make_plan(versions_.running(), made.wanted, by);
  made.touches = make_footprint(made.plan, versions_.running(), made.wanted, named);
  return made;
}

planned planner::make_stop() const {
  planned made;
  made.as_of = versions_.generation();
  made.plan = make_plan(versions_.running(), {});
  made.touches = make_footprint(made.plan, versions_.running(), {});
  return made;
}

result<planner::side> planner::take(const compared_graph& which) {
  side taken;
  if (const auto* other = std::get_if<graph>(&which)) {
    taken.check = check(*other);
    taken.content = std::move(taken.check.checked);
    return taken;
  }
  taken.version = versions_.latest();
  if (const auto* epoch = std::get_if<epoch_t>(&which)) {
    const auto found = versions_.find(*epoch);
    if (!found) return found.error();
    taken.version = *found;
  }
  if (taken.version) taken.content = *taken.version->checked;
  return taken;
}

transition_plan planner::compare(const compared_graph& from, const compared_graph& to) {
  transition_plan impossible;
  auto before = take(from), after = take(to);
  for (const auto* side : {&before, &after})
    if (!*side) impossible.refusals.push_back(side->error());
  if (impossible.refused()) return impossible;
  const auto by = before->version && after->version
                      ? graph_versions::between(*before->version, *after->version)
                      : trace_lineage(before->content, after->content);
  if (!after->version) complete_from(after->content, after->check, before->content, by);
  auto made = difference(before->content, after->content, by);
  for (auto* side : {&*before, &*after})
    made.refusals.insert(made.refusals.end(), side->check.mistakes.begin(),
                         side->check.mistakes.end());
  return made;
}

std::string one_line(const std::vector<failure>& refusals) {
  std::string line;
  for (const auto& r : refusals) line += (line.empty() ? "" : "; ") + r.message;
  return line;
}

std::string summary(const transition_plan& plan) {
  constexpr std::size_t most = 8;
  std::string text;
  std::size_t changes = 0;
  for (const auto& op : plan.operators) {
    if (op.action == operator_action::keep && !op.renamed()) continue;
    if (++changes > most) continue;
    if (!text.empty()) text += ", ";
    if (op.action == operator_action::add) text += "+ " + op.name + ": " + op.new_reference;
    else if (op.action == operator_action::remove) text += "- " + op.name;
    else if (op.action == operator_action::keep) text += op.name;
    else text += op.name + ": " + op.old_reference + " -> " + op.new_reference;
    if (op.renamed()) text += " (was " + op.old_name + ")";
  }
  if (changes > most) text += ", and " + std::to_string(changes - most) + " more";
  const auto arcs = std::count_if(plan.arcs.begin(), plan.arcs.end(),
                                  [](const arc_change& a) { return a.action != arc_action::keep; });
  if (changes == 0 && arcs > 0) text = std::to_string(arcs) + " arcs changed";
  return text;
}

} // namespace instar
