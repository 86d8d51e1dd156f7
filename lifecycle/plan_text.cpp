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

struct totals {
  std::size_t add = 0, change = 0, remove = 0;
};

totals count_operators(const transition_plan& plan) {
  totals t;
  for (const auto& op : plan.operators) {
    if (op.action == operator_action::add) ++t.add;
    else if (op.action == operator_action::remove) ++t.remove;
    else if (op.participates()) ++t.change;
  }
  return t;
}

totals count_arcs(const transition_plan& plan) {
  totals t;
  for (const auto& a : plan.arcs) {
    if (a.action == arc_action::add) ++t.add;
    else if (a.action == arc_action::remove) ++t.remove;
  }
  return t;
}

std::string references(const operator_change& op) {
  if (op.old_reference.empty()) return op.new_reference;
  if (op.new_reference.empty() || op.old_reference == op.new_reference) return op.old_reference;
  return op.old_reference + " -> " + op.new_reference;
}

char sign(const operator_change& op) {
  if (op.action == operator_action::add) return '+';
  return op.action == operator_action::remove ? '-' : '~';
}

void write(std::string& text, const operator_change& op, std::size_t width) {
  text += std::string("  ") + sign(op) + " " + op.name +
          std::string(width - op.name.size() + 2, ' ') + references(op);
  if (op.renamed()) text += ", renamed from " + op.old_name;
  if (op.arcs_change && op.action == operator_action::keep) text += ", arcs change";
  text += "\n";
  const bool ends_with_state =
      op.action == operator_action::remove && op.state_format != "stateless";
  if (!op.state_format.empty() &&
      (op.action == operator_action::replace || ends_with_state || !op.state_from.empty()))
    text += "      state: " + op.state_format +
            (op.transfers_state && op.renamed() ? ", from " + op.old_name : "") + "\n";
  for (const auto& s : op.settings) text += "      " + s + "\n";
}

void write_operators(std::string& text, const transition_plan& plan) {
  std::size_t width = 0;
  for (const auto& op : plan.operators)
    if (op.participates()) width = std::max(width, op.name.size());
  if (width == 0) return;
  text += "Operators\n";
  for (const auto& op : plan.operators)
    if (op.participates()) write(text, op, width);
}

/// Port names are unknown where the operator's type is.
std::string ends(const arc_node& a) {
  const auto end = [](const std::string& op, const std::string& port) {
    return port.empty() ? op : op + "." + port;
  };
  return end(a.from, a.from_port) + " -> " + end(a.to, a.to_port) + "  [" +
         std::to_string(a.capacity) + "]" +
         (a.feedback == feedback_policy::none
              ? ""
              : std::string("  (feedback: ") + to_string(a.feedback) + ")");
}

void write_arcs(std::string& text, const transition_plan& plan) {
  const auto arcs = count_arcs(plan);
  if (arcs.add + arcs.remove == 0) return;
  text += "Arcs\n";
  for (const auto& a : plan.arcs)
    if (a.action != arc_action::keep)
      text += std::string(a.action == arc_action::add ? "  + " : "  - ") + ends(a.arc) + "\n";
}

template <class Which>
std::string names(const transition_plan& plan, Which which) {
  std::string list;
  for (const auto& op : plan.operators)
    if (which(op)) list += (list.empty() ? "" : ", ") + op.before();
  return list;
}

/// In the running graph: what is added meets no marker.
void write_markers(std::string& text, const transition_plan& plan) {
  const auto heads = names(plan, [](const operator_change& op) { return op.is_head; });
  if (heads.empty()) return;
  text += "Markers\n  enter at  " + heads + "\n  cross     " +
          names(plan, [](const operator_change& op) { return op.in_region; }) + "\n";
  const auto drained = names(plan, [](const operator_change& op) { return op.drains; });
  if (!drained.empty()) text += "  wait for the loops to be empty at  " + drained + "\n";
}

std::string sections(const transition_plan& plan) {
  std::string text;
  write_operators(text, plan);
  write_arcs(text, plan);
  write_markers(text, plan);
  if (plan.refused()) text += "Refused\n";
  for (const auto& r : plan.refusals) text += "  ! " + r.message + "\n";
  return text.empty() ? text : text + "\n";
}

std::string counted(const transition_plan& plan) {
  const auto operators = count_operators(plan);
  const auto arcs = count_arcs(plan);
  return std::to_string(operators.add) + " to add, " + std::to_string(operators.change) +
         " to change, " + std::to_string(operators.remove) + " to remove" +
         (arcs.add + arcs.remove > 0 ? " (arcs: " + std::to_string(arcs.add) + " to add, " +
                                           std::to_string(arcs.remove) + " to remove)"
                                     : "") +
         ".\n";
}

} // namespace

std::string to_text(const transition_plan& plan) {
  if (plan.empty()) return "No change.\n";
  return sections(plan) +
         (plan.refused() ? "Refused: nothing would change.\n" : "Plan: " + counted(plan));
}

std::string difference_text(const transition_plan& plan) {
  if (plan.operators.empty() && plan.refused()) return sections(plan);
  return sections(plan) + (plan.changes() ? "Difference: " + counted(plan) : "No difference.\n");
}

namespace {

nlohmann::json converters_of(const state_route& route) {
  auto list = nlohmann::json::array();
  for (const auto& step : route.converters) list.push_back(step.reference());
  return list;
}

} // namespace

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
                         {"native", op.native},
                         {"converters", converters_of(op.state_by)},
                         {"part_converters", converters_of(op.parts_by)},
                         {"drops_state", op.drops_state},
                         {"arcs_change", op.arcs_change},
                         {"in_region", op.in_region},
                         {"is_head", op.is_head},
                         {"drains", op.drains}});
  for (const auto& a : plan.arcs)
    arcs.push_back({{"name", a.arc.name()},
                    {"old_name", a.before()},
                    {"action", to_string(a.action)},
                    {"in_region", a.in_region}});
  for (const auto& r : plan.refusals) refusals.push_back(r.message);
  const auto total = count_operators(plan);
  return json{{"changes", plan.changes()},
              {"refused", plan.refused()},
              {"refusals", std::move(refusals)},
              {"summary", {{"add", total.add}, {"change", total.change}, {"remove", total.remove}}},
              {"operators", std::move(operators)},
              {"arcs", std::move(arcs)}}
      .dump(2, ' ', false, json::error_handler_t::replace);
}

} // namespace instar
