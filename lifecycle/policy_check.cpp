#include "lifecycle/policy_check.hpp"

#include "actors/graph_file.hpp"
#include "actors/nearest.hpp"
#include "lifecycle/policy_operator.hpp"
#include "lifecycle/policy_rule.hpp"
#include "transfer/one_line.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

namespace instar {

namespace {

bool is_policy(const operator_node& op) { return op.type == policy_operator::type_name; }

/// One policy in its graph.
class checker {
public:
  checker(const graph& in, const operator_node& self, const type_lookup& types,
          std::vector<failure>& into)
      : graph_(in), self_(self), types_(types), into_(into) {}

  void run() {
    const auto read = read_policy(self_.values);
    for (const auto& m : read.mistakes) complain(errc::bad_input, m);
    if (!read.mistakes.empty()) return;
    check_way("", read.rule.there, read.rule);
    if (read.rule.returns()) check_way("back_", read.rule.back, read.rule);
    check_sides(read.rule);
  }

private:
  void complain(errc code, const std::string& what) {
    std::string place;
    if (!graph_.origin.empty())
      place = graph_.origin.string() + ":" +
              (self_.line ? std::to_string(self_.line) + ":" : std::string()) + " ";
    into_.push_back({code, one_line(place + "operator '" + self_.name + "': " + what)});
  }

  void check_way(const std::string& prefix, const policy_way& way, const policy_rule& rule) {
    for (const auto& one : way.when.all) {
      bool known = true;
      for (const auto& step : one.steps)
        if (step.what == comparison::action::take)
          known = check_metric(prefix + "when", rule.metrics[step.metric]) && known;
      if (known) check_reach(prefix + "when", one, rule);
    }
    for (const auto& update : way.action.updates) check_update(prefix + "update", update);
    if (!way.action.graph.empty()) check_file(prefix + "apply", way.action.graph, rule);
  }

  // -- names ------------------------------------------------------------------------------------

  bool is(const operator_node& op, const std::string& name) const {
    return op.name == name || op.replica_of == name;
  }
  bool is_one(const std::string& op, const std::string& name) const {
    if (op == name) return true;
    const auto* node = graph_.find(op);
    return node && node->replica_of == name;
  }

  std::vector<std::string> operator_names() const {
    std::set<std::string> names;
    for (const auto& op : graph_.operators) names.insert(op.written_name());
    return {names.begin(), names.end()};
  }

  bool check_operator(const std::string& setting, const std::string& name,
                      const std::string& where) {
    for (const auto& op : graph_.operators)
      if (is(op, name)) return true;
    complain(errc::not_found, setting + ": " + where + " names the operator '" + name +
                                  "', which is not in the graph" + suggest(name, operator_names()));
    return false;
  }

  bool check_metric(const std::string& setting, const metric_use& metric) {
    if (metric.op.empty()) return true; // of the service
    const auto text = "'" + metric.text() + "'";
    if (!metric.from.empty() && !check_operator(setting, metric.from, text)) return false;
    if (!check_operator(setting, metric.op, text)) return false;
    if (metric.from.empty() || !arcs_of(metric).empty()) return true;
    std::set<std::string> there;
    for (const auto& a : graph_.arcs)
      if (is_one(a.from, metric.from) || is_one(a.to, metric.op))
        there.insert(a.from + "." + a.from_port + " -> " + a.to + "." + a.to_port);
    complain(errc::not_found,
             setting + ": " + text + " names an arc that is not in the graph" +
                 suggest("", std::vector<std::string>(there.begin(), there.end())));
    return false;
  }

  std::vector<const arc_node*> arcs_of(const metric_use& metric) const {
    std::vector<const arc_node*> found;
    for (const auto& a : graph_.arcs)
      if (is_one(a.to, metric.op) &&
          (metric.from.empty() || (is_one(a.from, metric.from) &&
                                   (metric.from_port.empty() || a.from_port == metric.from_port) &&
                                   (metric.op_port.empty() || a.to_port == metric.op_port))))
        found.push_back(&a);
    return found;
  }

  // -- thresholds -------------------------------------------------------------------------------

  /// What a metric that stands alone can come to at the most.
  void check_reach(const std::string& setting, const comparison& one, const policy_rule& rule) {
    if (one.steps.size() != 1) return;
    const auto& metric = rule.metrics[one.steps.front().metric];
    double most = 0;
    std::string why;
    if (metric.name == "queued" || metric.name == "credit") {
      for (const auto* a : arcs_of(metric)) most += static_cast<double>(a->capacity);
      why = "there is room for " + value_text(most, policy_unit::count) + " packets";
    } else if (metric.name == "busy") {
      for (const auto& op : graph_.operators) most += is(op, metric.op) ? 1 : 0;
      why = "an operator runs on one core at a time";
    } else {
      return;
    }
    const bool above = one.is == relation::greater || one.is == relation::greater_equal;
    const bool reached = one.holds(most);
    if (above && !reached)
      complain(errc::bad_input,
               setting + ": '" + one.text() + "' never holds: " + why + "; lower the threshold");
    if (!above && reached)
      complain(errc::bad_input,
               setting + ": '" + one.text() + "' always holds: " + why + "; lower the threshold");
  }

  // -- what is asked for ------------------------------------------------------------------------

  void check_update(const std::string& setting, const operator_update& update) {
    const auto text = update.name + "=" + update.type + "@" + std::to_string(update.version);
    if (update.name == self_.name)
      return complain(errc::bad_input, setting + ": '" + text +
                                           "' is about the policy itself; name another operator");
    if (!check_operator(setting, update.name, "'" + text + "'")) return;
    const auto type = types_(update.type, update.version);
    if (!type) complain(type.error().code, setting + ": '" + text + "': " + type.error().message);
  }

  void check_file(const std::string& setting, const std::filesystem::path& path,
                  const policy_rule& rule) {
    const auto file = read_graph(path);
    if (!file.mistakes.empty())
      return complain(file.mistakes.front().code, setting + ": " + file.mistakes.front().message);
    const auto* same = file.content.find(self_.name);
    if (rule.returns() && (!same || !is_policy(*same)))
      complain(errc::bad_input, setting + ": " + path.string() + " has no policy '" + self_.name +
                                    "', so nobody would go back; write it there as well, with the "
                                    "same settings");
  }

  /// A policy that is on neither side of its own rule would never do anything.
  void check_sides(const policy_rule& rule) {
    if (!rule.returns()) return;
    if (!rule.there.action.graph.empty()) {
      if (graph_.origin.empty() || graph_.origin == rule.there.action.graph ||
          graph_.origin == rule.back.action.graph)
        return;
      return complain(errc::bad_input,
                      "back_apply: it stands in " + graph_.origin.string() +
                          ", which is neither the file of the way there nor that of the way back, "
                          "so it would never act; name this file in one of them");
    }
    const bool home = runs(rule.back.action), there = runs(rule.there.action);
    if (home || there) return;
    complain(errc::bad_input, "back_update: the graph has " + running(rule.there.action) +
                                  ", which is neither side of the rule, so it would never act; "
                                  "name what the graph has as one of them");
  }

  bool runs(const policy_action& action) const {
    return std::all_of(action.updates.begin(), action.updates.end(), [&](const auto& u) {
      return std::all_of(graph_.operators.begin(), graph_.operators.end(),
                         [&](const operator_node& op) {
                           return !is(op, u.name) || (op.type == u.type && op.version == u.version);
                         });
    });
  }

  std::string running(const policy_action& action) const {
    std::string text;
    for (const auto& u : action.updates)
      for (const auto& op : graph_.operators)
        if (op.name == u.name || (op.replica_of == u.name && op.replica == 0))
          text += (text.empty() ? "" : ", ") + u.name + "=" + op.reference();
    return text;
  }

  const graph& graph_;
  const operator_node& self_;
  const type_lookup& types_;
  std::vector<failure>& into_;
};

} // namespace

std::vector<failure> check_policies(const graph& of, const type_lookup& types) {
  std::vector<failure> mistakes;
  for (const auto& op : of.operators)
    if (is_policy(op)) checker(of, op, types, mistakes).run();
  return mistakes;
}

} // namespace instar
