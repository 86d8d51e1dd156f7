#include "random_generator.hpp"

#include "protocol_operators.hpp"

#include <algorithm>
#include <random>

namespace instar::test {

namespace {

class generator {
public:
  explicit generator(std::uint64_t seed) : random_(seed) {}

  random_case make() {
    random_case c;
    c.schedule = one_in(8) ? 0 : random_() | 1;
    c.items = between(5, 60);
    c.per_event = one_in(2) ? 1 : between(2, 9);
    c.activation = one_in(2) ? 1 : between(2, 6);
    loops_ = random_() % 5 < 2; // of which some have no room for one
    c.start = make_graph();
    auto wanted = c.start;
    const auto transitions = between(1, 6);
    for (std::size_t i = 0; i < transitions; ++i) c.transitions.push_back(make_transition(wanted));
    if (one_in(4)) c.stop_after = between(1, 200);
    return c;
  }

private:
  std::size_t between(std::size_t least, std::size_t most) {
    return least + random_() % (most - least + 1);
  }
  bool one_in(std::size_t n) { return random_() % n == 0; }
  template <class T>
  const T& any(const std::vector<T>& of) {
    return of[random_() % of.size()];
  }
  std::size_t capacity() { return one_in(10) ? 64 : between(1, 6); }
  std::string fresh(const char* kind) { return kind + std::to_string(++names_); }
  std::string version() { return one_in(2) ? "@1" : "@2"; }

  std::string stage_type() {
    if (one_in(8)) return "test.router" + version();
    if (one_in(12)) return "test.burst" + version();
    if (loops_ && one_in(6)) return "test.turn" + version();
    return "test.stage" + version();
  }

  std::string policy() { return one_in(2) ? "hand_over" : "drain"; }

  /// An output that may lead to `to`: of an operator before it in the list, so that no cycle comes
  /// about. Feedback arcs close those.
  std::string upstream(const graph& g, std::size_t to) {
    std::size_t from = 0;
    do from = one_in(2) && to > 4 ? between(to - 4, to - 1) : between(0, to - 1);
    while (g.operators[from].type == "test.sink");
    return output(g.operators[from]);
  }
  std::string output(const operator_node& op) {
    if (op.type == "test.turn") return op.name + (one_in(4) ? ".again" : ".out");
    if (op.type == "test.answer") return op.name + (one_in(2) ? ".left" : ".right");
    if (op.type != "test.router") return op.name + ".out";
    return op.name + ".out" + std::to_string(between(0, 2));
  }

  /// An operator with up to three arcs that lead to it, if the graph can bear it.
  void grow(graph& g, const std::string& name, const std::string& reference) {
    auto grown = g;
    const auto at = reference.find('@');
    operator_node op;
    op.name = name;
    op.type = reference.substr(0, at);
    op.version = reference.back() == '2' ? 2 : 1;
    grown.operators.push_back(op);
    const auto arcs = is_source(op.type) ? 0 : one_in(3) ? between(2, 3) : 1;
    for (std::size_t i = 0; i < arcs; ++i) {
      const auto end = upstream(grown, grown.operators.size() - 1);
      arc_node a;
      a.from = end.substr(0, end.find('.'));
      a.from_port = end.substr(end.find('.') + 1);
      a.to = name;
      a.capacity = capacity();
      const auto same = [&](const arc_node& b) { return b.name() == a.name(); };
      if (std::none_of(grown.arcs.begin(), grown.arcs.end(), same)) grown.arcs.push_back(a);
    }
    if (acceptable(grown)) g = std::move(grown);
  }

  graph make_graph() {
    graph g;
    g.name = "test";
    const auto sources = between(1, 3), stages = one_in(3) ? between(5, 24) : between(1, 9),
               sinks = between(1, 3);
    for (std::size_t i = 0; i < sources; ++i)
      grow(g, fresh("source"), (one_in(2) ? "test.source" : "test.feed") + version());
    for (std::size_t i = 0; i < stages; ++i) {
      grow(g, fresh("n"), stage_type());
      // What leads nowhere yet is taken up more often than not.
      if (one_in(5)) replicate(g);
      if (loops_ && one_in(3)) grow_loop(g);
    }
    if (loops_ && one_in(4)) ask(g);
    if (loops_) grow_loop(g);
    for (std::size_t i = 0; i < sinks; ++i) grow(g, fresh("sink"), "test.sink" + version());
    lead_somewhere(g);
    return g;
  }

  /// Two or three of the same behind one router, and one that joins them again.
  void replicate(graph& g) {
    auto grown = g;
    const auto router = fresh("router"), join = fresh("join");
    const auto from = upstream(g, g.operators.size());
    std::vector<edit> edits;
    grow_with(grown, router, "test.router@1", {from});
    std::vector<std::string> ends;
    const auto replicas = between(2, 3);
    for (std::size_t i = 0; i < replicas; ++i) {
      const auto name = fresh("replica");
      grow_with(grown, name, "test.stage@1", {router + ".out" + std::to_string(i)});
      ends.push_back(name + ".out");
    }
    grow_with(grown, join, "test.stage@1", ends);
    if (acceptable(grown)) g = std::move(grown);
  }
  void grow_with(graph& g, const std::string& name, const std::string& reference,
                 const std::vector<std::string>& from) {
    operator_node op;
    op.name = name;
    op.type = reference.substr(0, reference.find('@'));
    op.version = reference.back() == '2' ? 2 : 1;
    g.operators.push_back(op);
    for (const auto& end : from) {
      arc_node a;
      a.from = end.substr(0, end.find('.'));
      a.from_port = end.substr(end.find('.') + 1);
      a.to = name;
      a.capacity = capacity();
      g.arcs.push_back(a);
    }
  }

  /// A turn behind something, and up to two operators on the way back from it: to one that is
  /// before it, or to itself.
  void grow_loop(graph& g) {
    for (int tries = 0; tries < 5; ++tries) {
      auto grown = g;
      const auto turn = fresh("turn");
      grow_with(grown, turn, "test.turn" + version(), {upstream(g, g.operators.size())});
      auto end = turn + ".again";
      for (auto between_them = between(0, 2); between_them > 0; --between_them) {
        const auto name = fresh("back");
        grow_with(grown, name, (one_in(5) ? "test.router" : "test.stage") + version(), {end});
        end = output(grown.operators.back());
      }
      if (!apply_edit(grown, {"feedback", end, any_before(grown, turn), std::to_string(capacity()),
                              policy()}))
        continue;
      g = std::move(grown);
      return;
    }
  }

  /// An operator from which arcs lead to this one, or itself; no source.
  std::string any_before(const graph& g, const std::string& to) {
    std::vector<std::string> found{to};
    for (std::size_t i = 0; i < found.size(); ++i)
      for (const auto& a : g.arcs)
        if (a.to == found[i] && !is_source(g.find(a.from)->type) &&
            std::find(found.begin(), found.end(), a.from) == found.end())
          found.push_back(a.from);
    return any(found);
  }

  /// Two who ask the same one, each in a loop of its own.
  void ask(graph& g) {
    auto grown = g;
    const auto left = fresh("ask") + "_l", right = fresh("ask") + "_r", answer = fresh("answer");
    for (const auto& asker : {left, right})
      grow_with(grown, asker, "test.turn" + version(), {upstream(g, g.operators.size())});
    grow_with(grown, answer, "test.answer" + version(), {left + ".again", right + ".again"});
    // The first alone may leave the other one's items going nowhere, and is accepted so.
    const auto closes = [&](const char* port, const std::string& asker) {
      return apply_edit(grown,
                        {"feedback", answer + port, asker, std::to_string(capacity()), policy()});
    };
    if (!closes(".left", left) || !closes(".right", right)) return;
    g = std::move(grown);
  }

  void lead_somewhere(graph& g) {
    std::vector<std::string> sinks;
    for (const auto& op : g.operators)
      if (op.type == "test.sink") sinks.push_back(op.name);
    const auto operators = g.operators;
    for (const auto& op : operators) {
      const auto leads = [&](const arc_node& a) { return a.from == op.name; };
      if (op.type == "test.sink" || std::any_of(g.arcs.begin(), g.arcs.end(), leads) || one_in(8))
        continue;
      if (!sinks.empty())
        apply_edit(g, {"connect", output(op), any(sinks), std::to_string(capacity())});
    }
  }

  edit make_edit(const graph& g) {
    const auto& op = any(g.operators).name;
    const auto size = std::to_string(capacity());
    if (one_in(3) || g.arcs.empty()) return {"replace", op};
    const auto& a = any(g.arcs);
    const auto end = a.from + "." + a.from_port;
    if (loops_ && one_in(2)) return make_loop_edit(g);
    switch (random_() % 9) {
    case 0:
      return {"insert", fresh("n"), stage_type(), end, a.to, size};
    case 1:
      return {"remove", op};
    case 2:
      return {"exchange", op, fresh("n"), fresh("n")};
    case 3:
      return {"rewire", end, a.to, op};
    case 4:
      return {"connect", end, op, size};
    case 5:
      return {"disconnect", end, a.to};
    case 6:
      return {"capacity", end, a.to, size};
    case 7:
      return {one_in(2) ? "source" : "feed", fresh("source"), op, size};
    default:
      return {"sink", fresh("sink"), end, size};
    }
  }

  edit make_loop_edit(const graph& g) {
    std::vector<arc_node> back;
    std::vector<std::string> turns;
    for (const auto& a : g.arcs)
      if (a.feedback != feedback_policy::none) back.push_back(a);
    for (const auto& op : g.operators)
      if (op.type == "test.turn") turns.push_back(op.name);
    if (!turns.empty() && (back.empty() || one_in(3))) {
      const auto& turn = any(turns);
      const auto from = one_in(2) ? turn + ".again" : output(any(g.operators));
      return {"feedback", from, any_before(g, from.substr(0, from.find('.'))),
              std::to_string(capacity()), policy()};
    }
    if (back.empty()) return {"replace", any(g.operators).name};
    const auto& a = any(back);
    const auto end = a.from + "." + a.from_port;
    switch (random_() % 7) {
    case 0:
      return {"disconnect", end, a.to};
    case 1:
      return {"policy", end, a.to, policy()};
    case 2:
      return {"rewire", end, a.to, any_before(g, a.from)};
    case 3:
      return {"capacity", end, a.to, std::to_string(capacity())};
    case 4:
      return {one_in(2) ? "replace" : "remove", any_before(g, a.from)};
    case 5:
      if (one_in(2))
        return {"insert", fresh("n"), stage_type(), end, a.to, std::to_string(capacity())};
      return {"insert", fresh("n"), stage_type(), end, a.to, std::to_string(capacity()), "behind"};
    default:
      return {"replace", one_in(2) ? a.from : a.to};
    }
  }

  /// A fault of an operator needs one that changes: if need be one more is replaced.
  fault make_fault(const graph& before, graph& wanted, std::vector<edit>& edits) {
    const auto changing = [&] {
      for (const auto& e : edits)
        if (e[0] == "replace" && before.find(e[1])) return e[1];
      edits.push_back({"replace", any(before.operators).name});
      apply_edit(wanted, edits.back());
      return edits.back()[1];
    };
    switch (random_() % 8) {
    case 0:
      return {"load"};
    case 1:
      return {"constructor", std::to_string(between(0, 2))};
    case 2:
      return {"save", changing()};
    case 3:
    case 4:
      return {"restore", changing()};
    case 5:
      return {"never", changing()};
    case 6:
      return {"slow"};
    default:
      return {"kill", std::to_string(between(0, 2)), std::to_string(between(0, 200))};
    }
  }

  random_transition make_transition(graph& wanted) {
    random_transition t;
    t.after = one_in(3) ? 0 : between(1, 120);
    const auto before = wanted;
    const auto edits = between(1, 4);
    for (std::size_t tries = 0; t.edits.size() < edits && tries < 40; ++tries)
      if (const auto e = make_edit(wanted); apply_edit(wanted, e)) t.edits.push_back(e);
    if (one_in(3)) t.goes_wrong = make_fault(before, wanted, t.edits);
    t.update = std::all_of(t.edits.begin(), t.edits.end(),
                           [](const edit& e) { return e[0] == "replace"; }) &&
               one_in(2);
    return t;
  }

  std::mt19937_64 random_;
  std::size_t names_ = 0;
  bool loops_ = false;
};

} // namespace

random_case make_case(std::uint64_t seed) { return generator(seed).make(); }

} // namespace instar::test
