#include "lifecycle/graph_edit.hpp"

#include "actors/nearest.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

namespace instar {

namespace {

using arc_list = std::vector<arc_node>;

/// As somebody would write them who has left out the ports, or has not.
std::vector<std::string> arc_names(const graph& g, bool with_ports) {
  std::vector<std::string> names;
  for (const auto& a : g.arcs) names.push_back(with_ports ? a.name() : a.from + " -> " + a.to);
  return names;
}

failure no_arc(const graph& in, const std::string& wrong) {
  return {errc::not_found, "the running graph has no arc '" + wrong + "'" +
                               suggest(wrong, arc_names(in, wrong.find('.') != wrong.npos)) +
                               "; `instarctl graph` lists the arcs"};
}

/// Whether `given`, which may lack port names, is `checked`.
bool same_arc(const arc_node& given, const arc_node& checked) {
  const auto fits = [](const std::string& port, const std::string& full) {
    return port.empty() || port == full;
  };
  return given.from == checked.from && given.to == checked.to &&
         fits(given.from_port, checked.from_port) && fits(given.to_port, checked.to_port);
}

std::vector<operator_node>::iterator find_operator(graph& in, const std::string& name) {
  return std::find_if(in.operators.begin(), in.operators.end(),
                      [&](const operator_node& op) { return op.name == name; });
}

result<void> put_on(graph& g, const graph& checked, const graph_edit::insertion& what) {
  const auto meant = std::find_if(checked.arcs.begin(), checked.arcs.end(),
                                  [&](const arc_node& a) { return a.name() == what.arc; });
  if (meant == checked.arcs.end()) return no_arc(checked, what.arc);
  if (find_operator(g, what.op.name) != g.operators.end())
    return failure{errc::bad_input, "operator '" + what.op.name +
                                        "' cannot be put on an arc: the running graph has one of "
                                        "that name; choose another name"};
  auto at = std::find_if(g.arcs.begin(), g.arcs.end(),
                         [&](const arc_node& a) { return same_arc(a, *meant); });
  if (at == g.arcs.end())
    at = g.arcs.insert(at, *meant); // one for answers, which need not be written
  auto before = *at, after = *at;
  before.to = after.from = what.op.name;
  before.to_port = what.in;
  after.from_port = what.out;
  after.lane = 0; // which it is has been decided before
  after.lanes = 1;
  after.key = key_kind::number;
  after.group.clear();
  before.feedback = feedback_policy::none; // the loop is still closed by the second half
  *at = std::move(before);
  g.arcs.insert(at + 1, std::move(after));
  auto op = what.op;
  op.transient = true;
  const auto from = find_operator(g, meant->from);
  g.operators.insert(from == g.operators.end() ? from : from + 1, std::move(op));
  return {};
}

/// Makes the two arcs at `name` one again; false if there are not two.
bool join(arc_list& arcs, const std::string& name) {
  const auto in =
      std::find_if(arcs.begin(), arcs.end(), [&](const arc_node& a) { return a.to == name; });
  const auto out =
      std::find_if(arcs.begin(), arcs.end(), [&](const arc_node& a) { return a.from == name; });
  if (in == arcs.end() || out == arcs.end()) return false;
  in->to = out->to;
  in->to_port = out->to_port;
  in->feedback = out->feedback;
  arcs.erase(out);
  return true;
}

result<void> take_off(graph& g, const std::string& name) {
  const auto found = find_operator(g, name);
  if (found == g.operators.end())
    return failure{errc::not_found, "operator '" + name +
                                        "' cannot be taken off: it is not in the running graph; "
                                        "`instarctl graph` lists its operators"};
  if (!found->transient)
    return failure{errc::refused, "operator '" + name +
                                      "' was not put on an arc, it is part of the graph; to remove "
                                      "it, apply a graph without it"};
  if (!join(g.arcs, name))
    return failure{errc::refused, "operator '" + name +
                                      "' is not on one arc any more; apply the "
                                      "graph that is wanted"};
  g.operators.erase(found);
  return {};
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

} // namespace

std::string describe(const graph_edit& edit) {
  std::string text;
  const auto add = [&](const std::string& more) { text += (text.empty() ? "" : ", ") + more; };
  for (const auto& i : edit.insert) add("put " + i.op.name + " on " + i.arc);
  for (const auto& name : edit.take_off) add("take " + name + " off");
  return text;
}

result<graph> apply_edit(graph given, const graph& checked, const graph_edit& edit) {
  std::set<std::string_view> named;
  for (const auto& what : edit.insert) {
    if (!named.insert(what.arc).second)
      return failure{errc::bad_input, "the arc " + what.arc +
                                          " is named twice; put one operator on it, then the other "
                                          "on one of its halves"};
    if (auto done = put_on(given, checked, what); !done) return done.error();
  }
  for (const auto& name : edit.take_off)
    if (auto done = take_off(given, name); !done) return done.error();
  return given;
}

bool has_transients(const graph& g) {
  return std::any_of(g.operators.begin(), g.operators.end(),
                     [](const operator_node& op) { return op.transient; });
}

graph without_transients(graph g) {
  std::vector<std::string> names;
  for (const auto& op : g.operators)
    if (op.transient) names.push_back(op.name);
  for (const auto& name : names) (void)take_off(g, name);
  return g;
}

result<const arc_node*> find_arc(const graph& in, std::string_view text) {
  const auto arrow = text.find("->");
  const auto end_of = [](std::string_view end) {
    end = trimmed(end);
    const auto dot = std::min(end.find('.'), end.size());
    return std::pair(end.substr(0, dot), end.substr(std::min(dot + 1, end.size())));
  };
  const auto from = end_of(text.substr(0, std::min(arrow, text.size())));
  const auto to = end_of(arrow == text.npos ? std::string_view() : text.substr(arrow + 2));
  if (from.first.empty() || to.first.empty())
    return failure{errc::bad_input,
                   "'" + std::string(text) +
                       "' is no arc; write 'FROM -> TO' or 'FROM.PORT -> TO.PORT'"};
  std::vector<const arc_node*> found;
  const auto fits = [](std::string_view wanted, std::string_view port) {
    return wanted.empty() || wanted == port;
  };
  for (const auto& a : in.arcs)
    if (a.from == from.first && a.to == to.first && fits(from.second, a.from_port) &&
        fits(to.second, a.to_port))
      found.push_back(&a);
  if (found.size() == 1) return found.front();
  if (found.empty()) return no_arc(in, std::string(trimmed(text)));
  std::string names;
  for (const auto* a : found) names += (names.empty() ? "'" : ", '") + a->name() + "'";
  return failure{errc::bad_input, "'" + std::string(trimmed(text)) + "' may be any of " + names +
                                      "; name the ports"};
}

} // namespace instar
