#include "actors/graph.hpp"

#include "actors/nearest.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

namespace instar {

namespace {

/// Whether an input of payload type `accepts` takes packets of type `carries`.
bool accepts(std::string_view input, std::string_view carries) {
  return carries.starts_with(input) &&
         (carries.size() == input.size() || carries[input.size()] == '.');
}

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
    for (std::size_t i = 0; i < g().operators.size(); ++i)
      index_.emplace(g().operators[i].name, i);
  }

  graph_check run() {
    find_types();
    check_settings();
    check_arcs();
    check_inputs_connected();
    if (const auto order = topological_order()) check_payloads(*order);
    return std::move(check_);
  }

private:
  graph& g() { return check_.checked; }

  void complain(std::size_t line, const std::string& op, errc code, const std::string& what) {
    std::string place;
    if (!g().origin.empty())
      place = g().origin.string() + ":" + (line ? std::to_string(line) + ":" : "") + " ";
    check_.mistakes.push_back({code, place + "operator '" + op + "': " + what});
  }

  void find_types() {
    std::set<std::string> seen;
    for (const auto& op : g().operators) {
      if (!seen.insert(op.name).second) {
        complain(op.line, op.name, errc::bad_input, "declared twice; rename one of them");
        continue;
      }
      auto type = lookup_(op.type, op.version);
      if (type) check_.types.emplace(op.name, std::move(*type));
      else complain(op.line, op.name, type.error().code, type.error().message);
    }
  }

  void check_settings() {
    for (auto& op : g().operators) {
      const auto type = check_.types.find(op.name);
      if (type == check_.types.end()) continue;
      std::vector<std::string> known;
      for (const auto& s : type->second.settings) known.push_back(s.name);
      for (const auto& [name, value] : op.values.all())
        if (std::find(known.begin(), known.end(), name) == known.end())
          complain(op.line, op.name, errc::bad_input,
                   type->second.reference() + " has no setting '" + name + "'" +
                       suggest(name, known));
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
    auto value = found == given.end() ? parse_setting(s.default_value, s.kind, base)
                                      : of_kind(found->second, s.kind, base);
    if (value) into.set(s.name, std::move(*value));
    else if (found == given.end() && s.default_value.empty()) into.set(s.name, std::string());
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
      if (a.from == a.to)
        complain(a.line, a.from, errc::bad_input, "an arc leads from it to itself; remove it");
      else if (!seen.insert(a.name()).second)
        complain(a.line, a.from, errc::bad_input, "the arc " + a.name() + " is given twice");
      if (a.capacity == 0) a.capacity = default_arc_capacity;
      if (a.capacity > max_arc_capacity)
        complain(a.line, a.from, errc::bad_input,
                 "the arc " + a.name() + " has a capacity of " + std::to_string(a.capacity) +
                     "; the limit is " + std::to_string(max_arc_capacity));
    }
  }

  bool check_end(const arc_node& a, const std::string& op, std::string& port, bool output) {
    if (!index_.count(op)) {
      std::vector<std::string> names;
      for (const auto& [name, i] : index_) names.push_back(name);
      complain(a.line, op, errc::not_found,
               "an arc names it, but it is not among the operators" + suggest(op, names));
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
                 ports.empty() ? type->second.reference() + " has no " + kind +
                                     "; no arc can " + (output ? "leave it" : "lead to it")
                               : "has several " + kind + "s; name one as '" + op +
                                     ".PORT'" + suggest("", names_of(ports)));
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
      if (type == check_.types.end()) continue;
      for (const auto& input : type->second.inputs)
        if (!connected.count(op.name + "." + input.name))
          complain(op.line, op.name, errc::bad_input,
                   "no arc leads to its input '" + input.name + "'; add one");
    }
  }

  /// The operators so that every arc leads forward; none if there is a cycle, which is reported.
  std::optional<std::vector<std::size_t>> topological_order() {
    const auto n = g().operators.size();
    std::vector<std::vector<std::size_t>> next(n);
    std::vector<std::size_t> missing(n, 0);
    for (const auto& a : g().arcs) {
      const auto from = index_.find(a.from), to = index_.find(a.to);
      if (from == index_.end() || to == index_.end() || from == to) continue;
      next[from->second].push_back(to->second);
      ++missing[to->second];
    }
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < n; ++i)
      if (missing[i] == 0) order.push_back(i);
    for (std::size_t done = 0; done < order.size(); ++done)
      for (const auto to : next[order[done]])
        if (--missing[to] == 0) order.push_back(to);
    if (order.size() == n) return order;
    report_cycle(next, missing);
    return std::nullopt;
  }

  void report_cycle(const std::vector<std::vector<std::size_t>>& next,
                    const std::vector<std::size_t>& missing) {
    // Every operator that is left has a predecessor that is left: walking back finds a cycle.
    const auto n = missing.size();
    std::vector<std::size_t> previous(n, n);
    for (std::size_t i = 0; i < n; ++i)
      if (missing[i] > 0)
        for (const auto to : next[i]) previous[to] = i;
    std::size_t at = 0;
    while (missing[at] == 0) ++at;
    std::vector<bool> visited(n, false);
    for (; !visited[at]; at = previous[at]) visited[at] = true;
    std::vector<std::string> cycle{g().operators[at].name};
    for (auto i = previous[at]; i != at; i = previous[i]) cycle.push_back(g().operators[i].name);
    cycle.push_back(g().operators[at].name);
    std::string text;
    for (auto i = cycle.rbegin(); i != cycle.rend(); ++i) text += (text.empty() ? "" : " -> ") + *i;
    complain(g().operators[at].line, g().operators[at].name, errc::bad_input,
             "is on a cycle (" + text + "); graphs have to be acyclic");
  }

  /// Follows payload types along the arcs: an output that follows an input carries what arrives
  /// there.
  void check_payloads(const std::vector<std::size_t>& order) {
    std::map<std::string, std::vector<const arc_node*>> leaving;
    for (const auto& a : g().arcs) leaving[a.from].push_back(&a);
    std::map<std::string, std::string> arriving; // operator.input -> payload type
    for (const auto i : order) {
      const auto& op = g().operators[i];
      const auto type = check_.types.find(op.name);
      if (type == check_.types.end()) continue;
      for (const auto* a : leaving[op.name]) check_payload(*a, type->second, arriving);
    }
  }

  void check_payload(const arc_node& a, const operator_description& from,
                     std::map<std::string, std::string>& arriving) {
    const auto to = check_.types.find(a.to);
    const auto* out = port_of(from.outputs, a.from_port);
    const auto* in = to == check_.types.end() ? nullptr : port_of(to->second.inputs, a.to_port);
    if (!out || !in) return;
    auto carries = out->payload;
    if (out->follows >= 0 && static_cast<std::size_t>(out->follows) < from.inputs.size()) {
      const auto& input = from.inputs[static_cast<std::size_t>(out->follows)].name;
      if (const auto known = arriving.find(a.from + "." + input); known != arriving.end())
        carries = known->second;
    }
    if (!accepts(in->payload, carries)) {
      complain(a.line, a.to, errc::incompatible,
               "the arc " + a.name() + " carries " + carries + ", but " +
                   to->second.reference() + " accepts " + in->payload +
                   "; exchange the operators at both ends together, or put one between");
      return;
    }
    if (out->schema != in->schema) {
      complain(a.line, a.to, errc::incompatible,
               "the arc " + a.name() + " carries " + from.schemas.display_name(out->schema) +
                   ", but " + to->second.reference() + " accepts " +
                   to->second.schemas.display_name(in->schema));
    } else if (out->schema != 0) {
      if (auto fits = check_compatible(from.schemas, out->schema, to->second.schemas, in->schema);
          !fits)
        complain(a.line, a.to, errc::incompatible,
                 "the arc " + a.name() + ": " + fits.error().message);
    }
    // What follows this input has to cope with the most general type that arrives at it.
    auto [known, fresh] = arriving.emplace(a.to + "." + in->name, carries);
    if (!fresh && known->second != carries) known->second = common(known->second, carries);
  }

  /// The longest dotted name that both refine.
  static std::string common(const std::string& a, const std::string& b) {
    std::string best = a;
    while (!accepts(best, b)) {
      const auto dot = best.rfind('.');
      if (dot == std::string::npos) return {};
      best.resize(dot);
    }
    return best;
  }

  static const port_description* port_of(const std::vector<port_description>& ports,
                                         const std::string& name) {
    const auto found = std::find_if(ports.begin(), ports.end(),
                                    [&](const port_description& p) { return p.name == name; });
    return found == ports.end() ? nullptr : &*found;
  }

  const type_lookup& lookup_;
  std::map<std::string, std::size_t> index_;
  graph_check check_;
};

} // namespace

graph_check check_graph(graph candidate, const type_lookup& types) {
  return checker(std::move(candidate), types).run();
}

} // namespace instar
