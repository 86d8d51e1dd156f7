#include "lifecycle/plan_text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace instar {

namespace {

const char* to_string(operator_action action) {
  switch (action) {
  case operator_action::keep:
    return "keep";
  case operator_action::add:
    return "add";
  case operator_action::remove:
    return "remove";
  case operator_action::replace:
    return "replace";
  }
  return "";
}

const char* to_string(arc_action action) {
  switch (action) {
  case arc_action::keep:
    return "keep";
  case arc_action::add:
    return "add";
  case arc_action::remove:
    return "remove";
  }
  return "";
}

void write(std::string& text, const operator_change& op) {
  switch (op.action) {
  case operator_action::keep:
    if (!op.participates()) return;
    text += "  ~ " + op.name + "  " + op.old_reference +
            (op.renamed() ? "  (renamed from " + op.old_name + ")" : "") +
            (op.arcs_change ? "  (arcs change)" : "") + "\n";
    return;
  case operator_action::add:
    text += "  + " + op.name + "  " + op.new_reference + "\n";
    return;
  case operator_action::remove:
    text += "  - " + op.name + "  " + op.old_reference + "\n";
    return;
  case operator_action::replace:
    text += "  ~ " + op.name + (op.renamed() ? " (renamed from " + op.old_name + ")" : "") + "  " +
            op.old_reference +
            (op.old_reference == op.new_reference ? "" : " -> " + op.new_reference);
    if (!op.state_format.empty()) text += "  (state: " + op.state_format + ")";
    text += "\n";
    for (const auto& s : op.settings) text += "      " + s + "\n";
  }
}

std::string crossing(const transition_plan& plan) {
  std::string names;
  for (const auto& op : plan.operators)
    if (op.in_region)
      names += (names.empty() ? "" : ", ") + op.name + (op.is_head ? " (head)" : "");
  return names;
}

std::size_t count(const transition_plan& plan, operator_action action) {
  return static_cast<std::size_t>(
      std::count_if(plan.operators.begin(), plan.operators.end(),
                    [&](const operator_change& c) { return c.action == action; }));
}

} // namespace

std::string to_text(const transition_plan& plan) {
  if (plan.refused()) {
    std::string text;
    for (const auto& r : plan.refusals) text += "  ! " + r.message + "\n";
    return text + "Refused: nothing would change.\n";
  }
  if (plan.empty()) return "No change.\n";
  std::string text;
  for (const auto& op : plan.operators) write(text, op);
  for (const auto& a : plan.arcs)
    if (a.action != arc_action::keep)
      text += std::string(a.action == arc_action::add ? "  + " : "  - ") + a.arc.name() + "\n";
  if (const auto names = crossing(plan); !names.empty()) text += "  markers cross: " + names + "\n";
  text += "Plan: " + std::to_string(count(plan, operator_action::add)) + " to add, " +
          std::to_string(count(plan, operator_action::replace)) + " to replace, " +
          std::to_string(count(plan, operator_action::remove)) + " to remove.\n";
  return text;
}

std::string to_json(const transition_plan& plan) {
  using nlohmann::json;
  json operators = json::array(), arcs = json::array(), refusals = json::array();
  for (const auto& op : plan.operators)
    operators.push_back({{"name", op.name},
                         {"old_name", op.before()},
                         {"action", to_string(op.action)},
                         {"old", op.old_reference},
                         {"new", op.new_reference},
                         {"settings", op.settings},
                         {"transfers_state", op.transfers_state},
                         {"state_format", op.state_format},
                         {"arcs_change", op.arcs_change},
                         {"in_region", op.in_region},
                         {"is_head", op.is_head}});
  for (const auto& a : plan.arcs)
    arcs.push_back({{"name", a.arc.name()},
                    {"old_name", a.before()},
                    {"action", to_string(a.action)},
                    {"in_region", a.in_region}});
  for (const auto& r : plan.refusals) refusals.push_back(r.message);
  return json{{"changes", !plan.empty()},
              {"refused", plan.refused()},
              {"refusals", std::move(refusals)},
              {"operators", std::move(operators)},
              {"arcs", std::move(arcs)}}
      .dump(2, ' ', false, json::error_handler_t::replace);
}

} // namespace instar
