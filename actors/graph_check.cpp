#include "actors/graph.hpp"

#include "actors/graph_flow.hpp"
#include "actors/graph_requests.hpp"
#include "actors/nearest.hpp"
#include "transfer/one_line.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

namespace instar {

namespace {

std::vector<std::string> names_of(const std::vector<port_description>& ports) {
  std::vector<std::string> names;
  for (const auto& p : ports) names.push_back(p.name);
  return names;
}

/// Checks one graph; each step leaves alone what an earlier one has complained of.
class checker {
public:
  checker(graph candidate, const type_lookup& types) : lookup_(types) {
    check_.checked = std::move(candidate);
    for (std::size_t i = 0; i < g().operators.size(); ++i) index_.emplace(g().operators[i].name, i);
  }

  /// Of a part whose other operators have been checked before.
  checker(graph part, const std::set<std::string>& fresh, operator_types known,
          const type_lookup& types)
      : checker(std::move(part), types) {
    fresh_ = &fresh;
    check_.types = std::move(known);
  }

  graph_check run() {
    find_types();
    check_replicas();
    check_settings();
    check_arcs();
    const complain_function tell = [this](std::size_t line, const std::string& op, errc code,
                                          const std::string& what) {
      complain(line, op, code, what);
    };
    if (!fresh_) complete_requests(g(), check_.types, tell);
    check_inputs_connected();
    check_flow(g(), check_.types, fresh_ ? flow_scope::payloads : flow_scope::cycles_and_payloads,
               tell);
    return std::move(check_);
  }

private:
  graph& g() { return check_.checked; }
  bool known(const operator_node& op) const { return fresh_ && !fresh_->count(op.name); }

  void complain(std::size_t line, const std::string& op, errc code, const std::string& what) {
    std::string place;
    if (!g().origin.empty())
      place = g().origin.string() + ":" + (line ? std::to_string(line) + ":" : "") + " ";
    // What is wrong with one replica is wrong with all, and told once.
    const auto found = index_.find(op);
    const auto& name = found == index_.end() ? op : g().operators[found->second].written_name();
    auto message = one_line(place + "operator '" + name + "': " + what);
    if (said_.insert(message).second) check_.mistakes.push_back({code, std::move(message)});
  }

  void find_types() {
    std::set<std::string> seen;
    for (const auto& op : g().operators) {
      if (known(op)) continue;
      if (!seen.insert(op.name).second) {
        complain(op.line, op.name, errc::bad_input, "declared twice; rename one of them");
        continue;
      }
      auto type = lookup_(op.type, op.version);
      if (type) check_.types.emplace(op.name, std::move(*type));
      else complain(op.line, op.name, type.error().code, type.error().message);
    }
  }

  /// Who shares packets by their keys gets them from others, and has no answers to route.
  void check_replicas() {
    for (const auto& op : g().operators) {
      const auto type = check_.types.find(op.name);
      if (op.replicas == 1 || op.replica > 0 || type == check_.types.end() || known(op)) continue;
      const auto refuse = [&](const std::string& why) {
        complain(op.line, op.name, errc::bad_input,
                 "it cannot have " + std::to_string(op.replicas) + " replicas: " + why);
      };
      if (op.replicas < 1 || op.replicas > max_lanes)
        refuse("there may be 1 to " + std::to_string(max_lanes));
      const auto& t = type->second;
      const auto of_requests = [](const port_description& p) { return p.answers >= 0; };
      if (t.inputs.empty()) refuse(t.reference() + " has no input to share; leave `replicas` out");
      else if (std::any_of(t.inputs.begin(), t.inputs.end(), of_requests) ||
               std::any_of(t.outputs.begin(), t.outputs.end(), of_requests))
        refuse(t.reference() + " asks or answers, and requests go by operators, not by keys; leave "
                               "`replicas` out");
    }
  }

  void check_settings() {
    for (auto& op : g().operators) {
      const auto type = check_.types.find(op.name);
      if (type == check_.types.end() || known(op)) continue;
      std::vector<std::string> names;
      for (const auto& s : type->second.settings) names.push_back(s.name);
      for (const auto& [name, value] : op.values.all())
        if (std::find(names.begin(), names.end(), name) == names.end())
          complain(op.line, op.name, errc::bad_input,
                   type->second.reference() + " has no setting '" + name + "'" +
                       suggest(name, names));
      settings complete;
      for (const auto& s : type->second.settings) complete_setting(op, s, complete);
      op.values = std::move(complete);
    }
  }

  void complete_setting(const operator_node& op, const setting_description& s, settings& into) {
    const auto& given = op.values.all();
    const auto found = given.find(s.name);
    const auto base = g().origin.parent_path();
    if (found == given.end() && s.required)
      return complain(op.line, op.name, errc::bad_input,
                      "needs the setting '" + s.name + "' (" + std::string(to_string(s.kind)) +
                          (s.help.empty() ? "" : ": " + s.help) + ")");
    if (found == given.end() && s.default_value.empty()) // the operator asks whether it is empty
      return into.set(s.name, std::string());
    auto value = found == given.end() ? parse_setting(s.default_value, s.kind, base)
                                      : of_kind(found->second, s.kind, base);
    if (value) into.set(s.name, std::move(*value));
    else
      complain(op.line, op.name, errc::bad_input,
               "setting '" + s.name + "': " + value.error().message);
  }

  /// A value as TOML had it, or text from the command line, as the kind that the type declares.
  static result<setting_value> of_kind(const setting_value& given, setting_kind kind,
                                       const std::filesystem::path& base) {
    const bool integer = std::holds_alternative<std::int64_t>(given);
    if (kind == setting_kind::number && integer)
      return setting_value(static_cast<double>(std::get<std::int64_t>(given)));
    if ((kind == setting_kind::integer && integer) ||
        (kind == setting_kind::number && std::holds_alternative<double>(given)) ||
        (kind == setting_kind::boolean && std::holds_alternative<bool>(given)))
      return given;
    return parse_setting(to_string(given), kind, base);
  }

  /// Fills in left-out port names and checks that both ends exist.
  void check_arcs() {
    std::set<std::string> seen;
    for (auto& a : g().arcs) {
      const bool from = check_end(a, a.from, a.from_port, true);
      const bool to = check_end(a, a.to, a.to_port, false);
      if (!from || !to) continue;
      if (a.from == a.to && a.feedback == feedback_policy::none)
        complain(a.line, a.from, errc::bad_input,
                 "an arc leads from it to itself; remove it, or give it feedback = \"hand_over\"");
      else if (!seen.insert(a.name()).second)
        complain(a.line, a.from, errc::bad_input, "the arc " + a.name() + " is given twice");
      if (a.capacity == 0) a.capacity = default_arc_capacity;
      if (a.capacity > max_arc_capacity)
        complain(a.line, a.from, errc::bad_input,
                 "the arc " + a.name() + " has a capacity of " + std::to_string(a.capacity) +
                     "; the limit is " + std::to_string(max_arc_capacity));
    }
  }

  /// Searching all names for each of very many wrong ones would take minutes.
  std::string suggest_operator(const std::string& wrong) const {
    if (check_.mistakes.size() > 100) return {};
    std::vector<std::string> names;
    for (const auto& [name, i] : index_) names.push_back(name);
    return suggest(wrong, names);
  }

  bool check_end(const arc_node& a, const std::string& op, std::string& port, bool output) {
    if (!index_.count(op)) {
      complain(a.line, op, errc::not_found,
               "an arc names it, but it is not among the operators" + suggest_operator(op));
      return false;
    }
    const auto type = check_.types.find(op);
    if (type == check_.types.end()) return false;
    const auto& ports = output ? type->second.outputs : type->second.inputs;
    const std::string kind = output ? "output" : "input";
    if (port.empty()) {
      if (ports.size() == 1) port = ports[0].name;
      else {
        complain(a.line, op, errc::bad_input,
                 ports.empty() ? type->second.reference() + " has no " + kind + "; no arc can " +
                                     (output ? "leave it" : "lead to it")
                               : "has several " + kind + "s; name one as '" + op + ".PORT'" +
                                     suggest("", names_of(ports)));
        return false;
      }
    }
    const auto names = names_of(ports);
    if (std::find(names.begin(), names.end(), port) != names.end()) return true;
    complain(a.line, op, errc::not_found,
             type->second.reference() + " has no " + kind + " '" + port + "'" +
                 suggest(port, names));
    return false;
  }

  void check_inputs_connected() {
    std::set<std::string> connected;
    for (const auto& a : g().arcs) connected.insert(a.to + "." + a.to_port);
    for (const auto& op : g().operators) {
      const auto type = check_.types.find(op.name);
      if (type == check_.types.end() || known(op)) continue;
      const auto& inputs = type->second.inputs;
      for (std::size_t i = 0; i < inputs.size(); ++i)
        if (!connected.count(op.name + "." + inputs[i].name) && !takes_answers(type->second, i))
          complain(op.line, op.name, errc::bad_input,
                   "no arc leads to its input '" + inputs[i].name + "'; add one");
    }
  }

  const type_lookup& lookup_;
  const std::set<std::string>* fresh_ = nullptr; ///< null = all are
  std::map<std::string, std::size_t> index_;
  std::set<std::string> said_; ///< an operator that is wrong once may stand in several arcs
  graph_check check_;
};

} // namespace

graph_check check_graph(graph candidate, const type_lookup& types) {
  return checker(std::move(candidate), types).run();
}

graph_check check_part(graph part, const std::set<std::string>& fresh, operator_types known,
                       const type_lookup& types) {
  return checker(std::move(part), fresh, std::move(known), types).run();
}

} // namespace instar
