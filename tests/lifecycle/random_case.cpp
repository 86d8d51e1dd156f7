#include "random_case.hpp"

#include "protocol_operators.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <sstream>
#include <utility>

namespace instar::test {

namespace {

operator_node make_operator(const std::string& name, const std::string& reference) {
  operator_node made;
  made.name = name;
  const auto at = reference.find('@');
  made.type = reference.substr(0, at);
  if (at != std::string::npos)
    std::from_chars(reference.data() + at + 1, reference.data() + reference.size(), made.version);
  return made;
}

std::size_t number(const std::string& text) {
  std::size_t n = 0;
  std::from_chars(text.data(), text.data() + text.size(), n);
  return n;
}

/// "a.out" of an arc.
std::string end_of(const arc_node& a) { return a.from + "." + a.from_port; }

arc_node make_arc(const std::string& end, const std::string& to, std::size_t capacity) {
  arc_node made;
  const auto dot = end.find('.');
  made.from = end.substr(0, dot);
  if (dot != std::string::npos) made.from_port = end.substr(dot + 1);
  made.to = to;
  made.capacity = std::max<std::size_t>(capacity, 1);
  return made;
}

/// Adds an arc unless it is there.
void join(graph& g, arc_node a) {
  for (const auto& b : g.arcs)
    if (b.from == a.from && b.from_port == a.from_port && b.to == a.to) return;
  g.arcs.push_back(std::move(a));
}

auto find_arc(graph& g, const std::string& end, const std::string& to) {
  return std::find_if(g.arcs.begin(), g.arcs.end(),
                      [&](const arc_node& a) { return end_of(a) == end && a.to == to; });
}

/// Takes an operator out and returns the arcs that led to it and from it.
std::pair<std::vector<arc_node>, std::vector<arc_node>> take_out(graph& g,
                                                                 const std::string& name) {
  std::pair<std::vector<arc_node>, std::vector<arc_node>> ends;
  std::erase_if(g.operators, [&](const operator_node& op) { return op.name == name; });
  std::erase_if(g.arcs, [&](const arc_node& a) {
    if (a.to == name) ends.first.push_back(a);
    if (a.from == name) ends.second.push_back(a);
    return a.to == name || a.from == name;
  });
  return ends;
}

bool replace(graph& g, const std::string& name) {
  for (auto& op : g.operators)
    if (op.name == name) {
      op.version = 3 - op.version;
      return true;
    }
  return false;
}

bool insert(graph& g, const edit& e) {
  const auto found = find_arc(g, e[3], e[4]);
  if (found == g.arcs.end() || g.find(e[1])) return false;
  const auto added = make_operator(e[1], e[2]);
  const auto port = added.type == "test.router" ? ".out0" : ".out";
  g.arcs.push_back(make_arc(e[1] + port, e[4], found->capacity));
  const auto again = find_arc(g, e[3], e[4]); // the list may have moved
  again->to = e[1];
  again->capacity = std::max<std::size_t>(number(e[5]), 1);
  g.operators.push_back(added);
  return true;
}

bool remove(graph& g, const std::string& name) {
  if (!g.find(name)) return false;
  const auto [to, from] = take_out(g, name);
  for (const auto& before : to)
    for (const auto& after : from) join(g, make_arc(end_of(before), after.to, before.capacity));
  return true;
}

bool exchange(graph& g, const edit& e) {
  const auto* old = g.find(e[1]);
  if (!old || g.find(e[2]) || g.find(e[3]) || is_source(old->type) || old->type == "test.sink")
    return false;
  const auto [to, from] = take_out(g, e[1]);
  g.operators.push_back(make_operator(e[2], "test.stage@1"));
  g.operators.push_back(make_operator(e[3], "test.stage@2"));
  for (const auto& a : to) join(g, make_arc(end_of(a), e[2], a.capacity));
  join(g, make_arc(e[2] + ".out", e[3], 3));
  for (const auto& a : from) join(g, make_arc(e[3] + ".out", a.to, a.capacity));
  return true;
}

bool rewire(graph& g, const edit& e) {
  const auto found = find_arc(g, e[1], e[2]);
  if (found == g.arcs.end() || find_arc(g, e[1], e[3]) != g.arcs.end()) return false;
  found->to = e[3];
  return true;
}

bool connect(graph& g, const std::string& end, const std::string& to, const std::string& capacity) {
  if (find_arc(g, end, to) != g.arcs.end()) return false;
  g.arcs.push_back(make_arc(end, to, number(capacity)));
  return true;
}

bool disconnect(graph& g, const std::string& end, const std::string& to) {
  const auto found = find_arc(g, end, to);
  if (found == g.arcs.end()) return false;
  g.arcs.erase(found);
  return true;
}

bool add_end(graph& g, const std::string& name, const char* reference) {
  if (g.find(name)) return false;
  g.operators.push_back(make_operator(name, reference));
  return true;
}

bool change(graph& g, const edit& e) {
  const auto is = [&](const char* verb, std::size_t words) {
    return e[0] == verb && e.size() == words;
  };
  if (is("replace", 2)) return replace(g, e[1]);
  if (is("insert", 6)) return insert(g, e);
  if (is("remove", 2)) return remove(g, e[1]);
  if (is("exchange", 4)) return exchange(g, e);
  if (is("rewire", 4)) return rewire(g, e);
  if (is("connect", 4)) return connect(g, e[1], e[2], e[3]);
  if (is("disconnect", 3)) return disconnect(g, e[1], e[2]);
  if (is("capacity", 4)) return disconnect(g, e[1], e[2]) && connect(g, e[1], e[2], e[3]);
  if (is("feed", 4))
    return add_end(g, e[1], "test.feed@1") && connect(g, e[1] + ".out", e[2], e[3]);
  if (is("source", 4))
    return add_end(g, e[1], "test.source@1") && connect(g, e[1] + ".out", e[2], e[3]);
  if (is("sink", 4)) return add_end(g, e[1], "test.sink@1") && connect(g, e[2], e[1], e[3]);
  return false;
}

bool has_port(const operator_node& op, std::string_view port) {
  if (op.type == "test.sink") return false;
  if (op.type != "test.router") return port == "out";
  return port == "out0" || port == "out1" || port == "out2";
}

} // namespace

bool apply_edit(graph& to, const edit& what) {
  auto changed = to;
  if (what.empty() || !change(changed, what) || !acceptable(changed)) return false;
  to = std::move(changed);
  return true;
}

bool acceptable(const graph& g) {
  constexpr std::size_t most_operators = 40, most_packets = 150;
  if (g.operators.empty() || g.operators.size() > most_operators) return false;
  std::map<std::string, std::size_t> open; // in-arcs of operators whose packets are not yet known
  std::map<std::string, std::size_t> packets;
  for (const auto& op : g.operators) open[op.name] = 0;
  for (const auto& a : g.arcs) {
    const auto *from = g.find(a.from), *to = g.find(a.to);
    if (!from || !to || !has_port(*from, a.from_port) || is_source(to->type)) return false;
    ++open[a.to];
  }
  std::vector<const operator_node*> order;
  for (const auto& op : g.operators) {
    if (is_source(op.type) != (open[op.name] == 0)) return false;
    if (open[op.name] > 0) continue;
    order.push_back(&op);
    packets[op.name] = 1;
  }
  // Along the arcs: whoever is not reached is on a cycle. Where cycles are to be accepted, this is
  // the place, with a bound on the rounds that a packet takes.
  std::size_t all = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto& op = *order[i];
    all += packets[op.name];
    if (all > most_packets) return false;
    for (const auto& a : g.arcs) {
      if (a.from != op.name) continue;
      packets[a.to] += packets[op.name] * (op.type == "test.burst" ? 2 : 1);
      if (--open[a.to] == 0) order.push_back(g.find(a.to));
    }
  }
  return order.size() == g.operators.size();
}

// -- text -----------------------------------------------------------------------------------------

namespace {

std::string line_of(const std::vector<std::string>& words) {
  std::string line;
  for (const auto& w : words) line += (line.empty() ? "" : " ") + w;
  return line;
}

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> words;
  for (std::string w; in >> w;) words.push_back(std::move(w));
  return words;
}

/// Takes one line in; false if it says nothing that is known.
bool read_line(random_case& c, const std::vector<std::string>& w) {
  const auto is = [&](const char* first, std::size_t least) {
    return w[0] == first && w.size() >= least;
  };
  if (is("schedule", 2)) c.schedule = std::stoull(w[1]);
  else if (is("items", 2)) c.items = std::stoull(w[1]);
  else if (is("per_event", 2)) c.per_event = std::stoull(w[1]);
  else if (is("activation", 2)) c.activation = std::stoull(w[1]);
  else if (is("operator", 3)) c.start.operators.push_back(make_operator(w[1], w[2]));
  else if (is("arc", 4)) c.start.arcs.push_back(make_arc(w[1], w[2], number(w[3])));
  else if (is("stop", 2)) c.stop_after = std::stoull(w[1]);
  else if (is("transition", 2))
    c.transitions.push_back({std::stoull(w[1]), w.size() > 2 && w[2] == "update", {}, {}});
  else if (c.transitions.empty()) return false;
  else if (is("fault", 2)) c.transitions.back().goes_wrong.assign(w.begin() + 1, w.end());
  else c.transitions.back().edits.push_back(w);
  return true;
}

} // namespace

std::string to_text(const random_case& c) {
  std::ostringstream out;
  out << "schedule " << c.schedule << "\nitems " << c.items << "\nper_event " << c.per_event
      << "\nactivation " << c.activation << "\n";
  for (const auto& op : c.start.operators)
    out << "operator " << op.name << " " << op.reference() << "\n";
  for (const auto& a : c.start.arcs)
    out << "arc " << end_of(a) << " " << a.to << " " << a.capacity << "\n";
  for (const auto& t : c.transitions) {
    out << "transition " << t.after << (t.update ? " update" : "") << "\n";
    for (const auto& e : t.edits) out << "  " << line_of(e) << "\n";
    if (!t.goes_wrong.empty()) out << "  fault " << line_of(t.goes_wrong) << "\n";
  }
  if (c.stop_after > 0) out << "stop " << c.stop_after << "\n";
  return out.str();
}

result<random_case> parse_case(std::string_view text) {
  random_case c;
  c.start.name = "test";
  std::istringstream in{std::string(text)};
  std::size_t count = 0;
  for (std::string line; std::getline(in, line);) {
    ++count;
    const auto words = words_of(line);
    if (words.empty() || words[0].starts_with("#")) continue;
    const auto wrong = failure{errc::bad_input, "line " + std::to_string(count) + ": '" + line +
                                                    "' is no part of a case"};
    try {
      if (!read_line(c, words)) return wrong;
    } catch (const std::exception&) { // of a number
      return wrong;
    }
  }
  if (!acceptable(c.start))
    return failure{errc::bad_input, "the graph is none that a service accepts"};
  return c;
}

} // namespace instar::test
