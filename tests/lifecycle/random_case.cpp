#include "random_case.hpp"

#include "protocol_operators.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
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

constexpr feedback_policy no_feedback = feedback_policy::none;

const char* word_of(feedback_policy p) { return p == no_feedback ? "none" : to_string(p); }

std::optional<feedback_policy> policy(const std::string& word) {
  for (const auto p : {no_feedback, feedback_policy::hand_over, feedback_policy::drain})
    if (word == word_of(p)) return p;
  return std::nullopt;
}

arc_node make_arc(const std::string& end, const std::string& to, std::size_t capacity,
                  feedback_policy feedback = no_feedback) {
  arc_node made;
  const auto dot = end.find('.');
  made.from = end.substr(0, dot);
  if (dot != std::string::npos) made.from_port = end.substr(dot + 1);
  made.to = to;
  made.capacity = std::max<std::size_t>(capacity, 1);
  made.feedback = feedback;
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
  auto onward = make_arc(e[1] + port, e[4], found->capacity);
  if (e.size() > 6) std::swap(onward.feedback, found->feedback);
  found->to = e[1];
  found->capacity = std::max<std::size_t>(number(e[5]), 1);
  g.arcs.push_back(onward);
  g.operators.push_back(added);
  return true;
}

bool remove(graph& g, const std::string& name) {
  if (!g.find(name)) return false;
  const auto [to, from] = take_out(g, name);
  for (const auto& before : to)
    for (const auto& after : from) {
      if (before.from == name || after.to == name) continue; // its own loop
      join(g, make_arc(end_of(before), after.to, before.capacity,
                       after.feedback != no_feedback ? after.feedback : before.feedback));
    }
  return true;
}

bool exchange(graph& g, const edit& e) {
  const auto* old = g.find(e[1]);
  if (!old || g.find(e[2]) || g.find(e[3]) || is_source(old->type) || old->type == "test.sink")
    return false;
  const bool turns = old->type == "test.turn";
  const auto [to, from] = take_out(g, e[1]);
  g.operators.push_back(make_operator(e[2], "test.stage@1"));
  g.operators.push_back(make_operator(e[3], turns ? "test.turn@2" : "test.stage@2"));
  const auto end = [&](const arc_node& a) {
    return a.from == e[1] ? e[3] + "." + (turns ? a.from_port : "out") : end_of(a);
  };
  for (const auto& a : to) join(g, make_arc(end(a), e[2], a.capacity, a.feedback));
  join(g, make_arc(e[2] + ".out", e[3], 3));
  for (const auto& a : from)
    if (a.to != e[1]) join(g, make_arc(end(a), a.to, a.capacity, a.feedback));
  return true;
}

bool rewire(graph& g, const edit& e) {
  const auto found = find_arc(g, e[1], e[2]);
  if (found == g.arcs.end() || find_arc(g, e[1], e[3]) != g.arcs.end()) return false;
  found->to = e[3];
  return true;
}

bool connect(graph& g, const std::string& end, const std::string& to, const std::string& capacity,
             feedback_policy feedback = no_feedback) {
  if (find_arc(g, end, to) != g.arcs.end()) return false;
  g.arcs.push_back(make_arc(end, to, number(capacity), feedback));
  return true;
}

bool close_loop(graph& g, const edit& e) {
  const auto feedback = policy(e[4]);
  return feedback && *feedback != no_feedback && connect(g, e[1], e[2], e[3], *feedback);
}

bool change_policy(graph& g, const edit& e) {
  const auto found = find_arc(g, e[1], e[2]);
  const auto feedback = policy(e[3]);
  if (found == g.arcs.end() || !feedback || found->feedback == *feedback) return false;
  found->feedback = *feedback;
  return true;
}

bool change_capacity(graph& g, const edit& e) {
  const auto found = find_arc(g, e[1], e[2]);
  if (found == g.arcs.end()) return false;
  found->capacity = std::max<std::size_t>(number(e[3]), 1);
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
  if (is("insert", 6) || (is("insert", 7) && e[6] == "behind")) return insert(g, e);
  if (is("remove", 2)) return remove(g, e[1]);
  if (is("exchange", 4)) return exchange(g, e);
  if (is("rewire", 4)) return rewire(g, e);
  if (is("connect", 4)) return connect(g, e[1], e[2], e[3]);
  if (is("disconnect", 3)) return disconnect(g, e[1], e[2]);
  if (is("capacity", 4)) return change_capacity(g, e);
  if (is("feedback", 5)) return close_loop(g, e);
  if (is("policy", 4)) return change_policy(g, e);
  if (is("feed", 4))
    return add_end(g, e[1], "test.feed@1") && connect(g, e[1] + ".out", e[2], e[3]);
  if (is("source", 4))
    return add_end(g, e[1], "test.source@1") && connect(g, e[1] + ".out", e[2], e[3]);
  if (is("sink", 4)) return add_end(g, e[1], "test.sink@1") && connect(g, e[2], e[1], e[3]);
  return false;
}

bool has_port(const operator_node& op, std::string_view port) {
  if (op.type == "test.sink") return false;
  if (op.type == "test.turn") return port == "out" || port == "again";
  if (op.type == "test.answer") return port == "left" || port == "right";
  if (op.type != "test.router") return port == "out";
  return port == "out0" || port == "out1" || port == "out2";
}

constexpr std::size_t most_packets = 150; ///< that become of one of each source

/// Operators and arcs by number, and which of them are on cycles.
struct shape {
  struct arc {
    std::size_t from, to;
    const arc_node* node;
    bool feedback() const { return node->feedback != no_feedback; }
  };
  const graph& g;
  std::vector<arc> arcs;
  std::vector<std::vector<std::size_t>> leaving; // arcs by operator
  bool loops = false;

  explicit shape(const graph& of) : g(of), leaving(of.operators.size()) {
    std::map<std::string_view, std::size_t> index;
    for (std::size_t i = 0; i < g.operators.size(); ++i) index.emplace(g.operators[i].name, i);
    for (const auto& a : g.arcs) {
      arcs.push_back({index.at(a.from), index.at(a.to), &a});
      leaving[arcs.back().from].push_back(arcs.size() - 1);
      loops |= arcs.back().feedback();
    }
  }

  /// What arcs that count lead to from an operator, itself only if they lead back.
  template <class Counts>
  std::vector<bool> behind(std::size_t start, const Counts& counts) const {
    std::vector<bool> found(g.operators.size(), false);
    std::vector<std::size_t> open{start};
    while (!open.empty()) {
      const auto at = open.back();
      open.pop_back();
      for (const auto a : leaving[at]) {
        if (!counts(arcs[a]) || found[arcs[a].to]) continue;
        found[arcs[a].to] = true;
        open.push_back(arcs[a].to);
      }
    }
    return found;
  }

  /// Whether a service accepts the loops, and whatever goes round in one comes to a turn, which
  /// lets it out at last.
  bool loops_end() const {
    const auto ordinary = [](const arc& a) { return !a.feedback(); };
    const auto not_again = [](const arc& a) { return a.node->from_port != "again"; };
    for (std::size_t i = 0; i < g.operators.size(); ++i) {
      if (behind(i, ordinary)[i] || behind(i, not_again)[i]) return false;
      if (g.operators[i].type == "test.burst" && behind(i, [](const arc&) { return true; })[i])
        return false;
    }
    return std::all_of(arcs.begin(), arcs.end(), [&](const arc& a) {
      return !a.feedback() || a.from == a.to || behind(a.to, ordinary)[a.from];
    });
  }

  /// How many packets become of item `number` of a source, itself counted; stops beyond `most`.
  std::size_t packets_of(std::size_t source, std::uint64_t number, std::size_t most) const {
    struct packet {
      std::size_t at, from;
      std::map<std::size_t, std::uint64_t> rounds;
    };
    std::size_t count = 0;
    std::vector<packet> open{{source, source, {}}};
    while (!open.empty() && count <= most) {
      auto p = std::move(open.back());
      open.pop_back();
      ++count;
      const auto port = output_for(p.at, p.from, number, p.rounds);
      for (const auto a : leaving[p.at])
        if (arcs[a].node->from_port == port)
          for (int copies = g.operators[p.at].type == "test.burst" ? 2 : 1; copies > 0; --copies)
            open.push_back({arcs[a].to, p.at, p.rounds});
    }
    return count;
  }

private:
  /// What the operators of a test do (protocol_operators.hpp).
  std::string output_for(std::size_t op, std::size_t from, std::uint64_t number,
                         std::map<std::size_t, std::uint64_t>& rounds) const {
    const auto& type = g.operators[op].type;
    if (type == "test.router") return "out" + std::to_string(number % 3);
    if (type == "test.answer") return g.operators[from].name.ends_with("_l") ? "left" : "right";
    if (type != "test.turn" || rounds[op] >= number % script::usual_rounds) return "out";
    ++rounds[op];
    return "again";
  }
};

bool loops_affordable(const shape& s) {
  if (!s.loops_end()) return false;
  std::size_t all = 0;
  for (std::size_t i = 0; i < s.g.operators.size(); ++i) {
    if (!is_source(s.g.operators[i].type)) continue;
    std::size_t most = 0;
    for (std::uint64_t number = 0; number < script::usual_rounds; ++number)
      most = std::max(most, s.packets_of(i, number, most_packets));
    all += most;
  }
  return all <= most_packets;
}

} // namespace

bool apply_edit(graph& to, const edit& what) {
  auto changed = to;
  if (what.empty() || !change(changed, what) || !acceptable(changed)) return false;
  to = std::move(changed);
  return true;
}

bool acceptable(const graph& g) {
  constexpr std::size_t most_operators = 40;
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
  if (const shape s(g); s.loops) return loops_affordable(s);
  // Along the arcs: whoever is not reached is on a cycle.
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
  else if (is("arc", 4) && (w.size() == 4 || policy(w[4])))
    c.start.arcs.push_back(
        make_arc(w[1], w[2], number(w[3]), w.size() > 4 ? *policy(w[4]) : no_feedback));
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
    out << "arc " << end_of(a) << " " << a.to << " " << a.capacity
        << (a.feedback == no_feedback ? "" : std::string(" ") + word_of(a.feedback)) << "\n";
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
