#include "lifecycle/planner.hpp"

#include "actors/replicas.hpp"
#include "lifecycle/graph_edit.hpp"
#include "lifecycle/policy_check.hpp"
#include "lifecycle/scaling.hpp"
#include "lifecycle/unknown_types.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace instar {

result<graph_versions::version> planner::version_of(rollback_to wanted) const {
  if (wanted.epoch != 0) return versions_.find(wanted.epoch);
  const auto former = versions_.former();
  if (!former) return former.error();
  return versions_.find(*former);
}

type_lookup planner::types_from(const graph& of) {
  library_.set_places(of.modules);
  return [this](std::string_view type, std::uint32_t version) {
    return library_.describe(type, version);
  };
}

graph_check planner::check(graph candidate) {
  const auto types = types_from(candidate);
  return check_graph(std::move(candidate), types);
}

planned planner::make(const wanted_graph& wanted, const std::vector<std::string>& drop_state) {
  if (const auto* updates = std::get_if<std::vector<operator_update>>(&wanted))
    return make_update(*updates, drop_state);
  if (const auto* target = std::get_if<graph>(&wanted)) return make_given(*target, drop_state);
  if (const auto* edit = std::get_if<graph_edit>(&wanted)) {
    auto target = apply_edit(versions_.given(), versions_.running().content, *edit);
    return target ? make_whole(std::move(*target), nullptr, drop_state) : refuse(target.error());
  }
  if (std::holds_alternative<checkpoint_wish>(wanted)) return make_checkpoint();
  const auto version = version_of(std::get<rollback_to>(wanted));
  return version ? make_whole(version->given, &*version, drop_state) : refuse(version.error());
}

/// The versions of the types whose state may have to be converted.
plan_knowledge planner::knowledge(const typed_graph& running, const typed_graph& wanted,
                                  const lineage& by, const std::vector<std::string>& drop_state) {
  plan_knowledge known{{}, drop_state};
  std::set<std::string> types;
  const auto add = [&](const std::string& before, const std::string& after) {
    const auto from = running.types.find(before), to = wanted.types.find(after);
    if (from == running.types.end() || to == wanted.types.end()) return;
    const auto &old_type = from->second, &new_type = to->second;
    if (old_type.state_schema == 0 && old_type.part_schema == 0) return;
    if (old_type.name == new_type.name && old_type.version == new_type.version) return;
    types.insert({old_type.name, new_type.name});
  };
  for (const auto& [after, before] : by.old_names) add(before, after);
  for (const auto& one : find_scalings(running.content, wanted.content, by))
    add(one.before.front(), one.after.front());
  for (const auto& type : types)
    for (auto& version : library_.versions(type)) known.versions.push_back(std::move(version));
  return known;
}

planned planner::refuse(failure why) const {
  planned refused;
  refused.as_of = versions_.generation();
  refused.plan.refusals.push_back(std::move(why));
  return refused;
}

/// A graph that somebody has written: policies in it are judged as well. Not again when it runs
/// already, and something else in it changes.
planned planner::make_given(const graph& target, const std::vector<std::string>& drop_state) {
  auto made = make_whole(target, nullptr, drop_state);
  if (!made.plan.refused())
    made.plan.refusals = check_policies(made.wanted.content, types_from(made.wanted.content));
  return made;
}

planned planner::make_whole(graph target, const graph_versions::version* back,
                            const std::vector<std::string>& drop_state) {
  planned made;
  made.as_of = versions_.generation();
  // Everything behind this sees each replica as an operator.
  made.given = expand_replicas(std::move(target));
  auto checked = check(made.given);
  if (!checked.mistakes.empty()) {
    made.plan = compare({}, made.given);
    if (made.plan.refusals.empty()) made.plan.refusals = std::move(checked.mistakes);
    return made;
  }
  made.wanted = {std::move(checked.checked), std::move(checked.types)};
  const auto by = back ? graph_versions::between(versions_.latest(), *back)
                       : trace_lineage(versions_.running().content, made.wanted.content);
  made.plan = make_plan(versions_.running(), made.wanted, by,
                        knowledge(versions_.running(), made.wanted, by, drop_state));
  made.touches = make_footprint(made.plan, versions_.running(), made.wanted);
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
    taken.check = check(expand_replicas(*other));
    taken.content = std::move(taken.check.checked);
    return taken;
  }
  if (const auto* epoch = std::get_if<epoch_t>(&which)) {
    auto found = versions_.find(*epoch);
    if (!found) return found.error();
    taken.version = std::move(*found);
  } else {
    taken.version = versions_.latest();
  }
  taken.content = taken.version->checked;
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
  // Of what is known by one name before and after, though by other operators, only the numbers.
  constexpr auto told = ~std::size_t{0};
  std::map<std::string, std::pair<std::size_t, std::size_t>> scaled;
  for (const auto& op : plan.operators) {
    if (op.action == operator_action::remove) ++scaled[op.written_name()].first;
    if (op.action == operator_action::add) ++scaled[op.written_name()].second;
  }
  for (const auto& op : plan.operators) {
    if (op.action == operator_action::keep && !op.renamed()) continue;
    if (op.action == operator_action::add || op.action == operator_action::remove) {
      auto& [before, after] = scaled[op.written_name()];
      if (before != told && before > 0 && after > 0) {
        if (++changes <= most)
          text += (text.empty() ? "" : ", ") + op.written_name() + ": " + std::to_string(before) +
                  " -> " + std::to_string(after) + " replicas" +
                  (op.drops_state ? " (state DROPPED)" : "");
        before = after = told;
      }
      if (before == told) continue;
    }
    if (++changes > most) continue;
    if (!text.empty()) text += ", ";
    if (op.action == operator_action::add) text += "+ " + op.name + ": " + op.new_reference;
    else if (op.action == operator_action::remove) text += "- " + op.name;
    else if (op.action == operator_action::keep) text += op.name;
    else text += op.name + ": " + op.old_reference + " -> " + op.new_reference;
    if (op.renamed()) text += " (was " + op.old_name + ")";
    if (op.drops_state) text += " (state DROPPED)";
  }
  if (changes > most) text += ", and " + std::to_string(changes - most) + " more";
  const auto arcs = std::count_if(plan.arcs.begin(), plan.arcs.end(),
                                  [](const arc_change& a) { return a.action != arc_action::keep; });
  if (changes == 0 && arcs > 0) text = std::to_string(arcs) + " arcs changed";
  return text;
}

} // namespace instar
