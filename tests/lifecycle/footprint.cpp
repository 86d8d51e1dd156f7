#include "lifecycle/footprint.hpp"

#include "lifecycle/graph_versions.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <utility>

using namespace instar;

namespace {

using pairs = std::vector<std::pair<std::string, std::string>>;

/// A checked graph of operators with an input `in` and an output `out`. Those whose names begin
/// with "pass" pass on what they get.
typed_graph made(const pairs& arcs) {
  typed_graph g;
  const auto add = [&](const std::string& name) {
    if (g.content.find(name)) return;
    g.content.operators.push_back({name, "x", 1, {}, {}, 0, {}});
    operator_description d;
    d.name = "x";
    d.version = 1;
    d.inputs = {{"in", "p", 0, -1}};
    d.outputs = {{"out", "p", 0, name.starts_with("pass") ? 0 : -1}};
    g.types.emplace(name, std::move(d));
  };
  for (const auto& [from, to] : arcs) {
    add(from);
    add(to);
    g.content.arcs.push_back({from, "out", to, "in", 8, 0});
  }
  return g;
}

typed_graph updated(typed_graph g, const std::vector<std::string>& names,
                    std::uint32_t version = 2) {
  for (auto& op : g.content.operators) {
    if (std::find(names.begin(), names.end(), op.name) == names.end()) continue;
    op.version = version;
    g.types.find(op.name)->second.version = version;
  }
  return g;
}

footprint touched(const typed_graph& before, const typed_graph& after,
                  const std::vector<std::string>& named = {}) {
  return make_footprint(make_plan(before, after), before, after, named);
}

footprint of_update(const typed_graph& g, const std::vector<std::string>& names) {
  return touched(g, updated(g, names), names);
}

bool disjoint(const typed_graph& g, const std::vector<std::string>& a,
              const std::vector<std::string>& b) {
  const auto first = of_update(g, a), second = of_update(g, b);
  CHECK(first.disjoint(second) == second.disjoint(first));
  return first.disjoint(second);
}

const pairs line{{"a", "b"}, {"b", "c"}, {"c", "d"}, {"d", "e"}};

} // namespace

TEST_CASE(
    "two updates are disjoint unless they share an operator, or an arc at those that change") {
  const auto g = made(line);
  CHECK(disjoint(g, {"a"}, {"c"}));
  CHECK(disjoint(g, {"a"}, {"e"}));
  CHECK_FALSE(disjoint(g, {"a"}, {"a"}));
  CHECK_FALSE(disjoint(g, {"a"}, {"b"}));
  CHECK_FALSE(disjoint(g, {"a", "c"}, {"b"}));
  CHECK_FALSE(disjoint(g, {"a", "e"}, {"c"}));
}

TEST_CASE("through an operator that passes on what it gets, the types at both ends have to fit") {
  const auto through = made({{"a", "pass1"}, {"pass1", "pass2"}, {"pass2", "c"}, {"c", "d"}});
  CHECK_FALSE(disjoint(through, {"a"}, {"c"}));
  CHECK_FALSE(disjoint(through, {"a"}, {"pass2"}));
  CHECK(disjoint(through, {"a"}, {"d"}));
}

TEST_CASE("an order touches the operators that it names, also if nothing changes at them now") {
  const auto g = made(line);
  const auto nothing = touched(g, g, {"c"});
  CHECK_FALSE(nothing.disjoint(of_update(g, {"c"})));
  CHECK_FALSE(nothing.disjoint(of_update(g, {"b", "d"})));
  CHECK(nothing.disjoint(of_update(g, {"a"})));
}

TEST_CASE("where the graph gets another shape, all that comes after is touched") {
  const auto g = made({{"a", "b"}, {"b", "c"}, {"c", "d"}, {"s", "t"}});
  auto rewired = made({{"a", "b"}, {"a", "x"}, {"x", "b"}, {"b", "c"}, {"c", "d"}, {"s", "t"}});
  CHECK_FALSE(touched(g, rewired).disjoint(of_update(g, {"d"})));
  CHECK(touched(g, rewired).disjoint(of_update(g, {"t"})));

  auto splitting = updated(g, {"a"});
  splitting.types.find("a")->second.splits = true;
  CHECK_FALSE(touched(g, splitting).disjoint(of_update(g, {"d"})));
  CHECK(of_update(g, {"a"}).disjoint(of_update(g, {"d"})));
}

TEST_CASE("a renamed operator is touched under both names") {
  const auto g = made(line);
  auto renamed = made({{"a", "b"}, {"b", "c"}, {"c", "x"}, {"x", "e"}});
  renamed.content.operators[3].was = "d";
  const auto t = touched(g, renamed);
  CHECK(t.operators == footprint::names{"d", "x"});
  CHECK(t.arcs.count("c.out -> d.in"));
  CHECK(t.arcs.count("c.out -> x.in"));
}

TEST_CASE("nobody starts who would close a circle of those that wait for each other's room") {
  // Three pairs, each with one before and one behind another pair.
  const auto g =
      made({{"a1", "m"}, {"m", "b2"}, {"b1", "n"}, {"n", "c2"}, {"c1", "o"}, {"o", "a2"}});
  const auto a = of_update(g, {"a1", "a2"}), b = of_update(g, {"b1", "b2"}),
             c = of_update(g, {"c1", "c2"}), only_c1 = of_update(g, {"c1"});
  CHECK(a.waits_for(b));
  CHECK_FALSE(b.waits_for(a));
  CHECK(may_start(b, {&a}, {}));
  CHECK(may_start(c, {&a}, {}));
  CHECK_FALSE(may_start(c, {&a, &b}, {}));
  CHECK_FALSE(may_start(a, {&c, &b}, {}));
  CHECK(may_start(only_c1, {&a, &b}, {}));
  CHECK_FALSE(may_start(only_c1, {}, {&c}));
  CHECK(may_start(only_c1, {}, {&a, &b}));
}

TEST_CASE("in whatever order disjoint transitions commit, the graph is the same") {
  std::mt19937_64 random(3);
  std::size_t apart = 0;
  for (int round = 0; round < 2'000; ++round) {
    pairs arcs;
    for (int i = 0; i < 8; ++i)
      for (int j = i + 1; j < 8; ++j)
        if (random() % 6 == 0)
          arcs.emplace_back("op" + std::to_string(i), "op" + std::to_string(j));
    if (arcs.empty()) continue;
    const auto g = made(arcs);
    const auto name = [&] {
      return g.content.operators[random() % g.content.operators.size()].name;
    };
    // One says what the whole graph shall be, the other exchanges operators.
    auto whole = updated(g, {name()});
    whole.content.name = "whole";
    if (random() % 2) whole.content.arcs.pop_back();
    if (random() % 2) {
      auto& op = whole.content.operators[random() % whole.content.operators.size()];
      for (auto& a : whole.content.arcs) {
        if (a.from == op.name) a.from = "new";
        if (a.to == op.name) a.to = "new";
      }
      auto type = whole.types.extract(op.name);
      type.key() = "new";
      whole.types.insert(std::move(type));
      op.was = op.name;
      op.name = "new";
    }
    const std::vector<std::string> names{name(), name()};
    graph_versions start(9);
    start.commit(1, {make_plan({}, g), g.content, g, true, 0, {}, {}});
    const planned first{make_plan(g, whole), whole.content, whole, true, 1, touched(g, whole), {}};
    const auto exchanged = updated(g, names);
    const planned second{
        make_plan(g, exchanged), exchanged.content, exchanged, false, 1, of_update(g, names), {}};
    if (!first.touches.disjoint(second.touches)) continue;
    ++apart;
    auto one = start, other = start;
    one.commit(2, first);
    one.commit(3, second);
    other.commit(3, second);
    other.commit(2, first);
    CHECK(one.epoch() == 3);
    CHECK(other.epoch() == 3);
    CHECK(difference(one.given(), other.given(), trace_lineage(one.given(), other.given()))
              .changes() == false);
    const auto& all = one.running();
    CHECK(make_plan(all, other.running()).empty());
    CHECK(all.content.name == "whole");
    CHECK(all.types.size() == all.content.operators.size());
    // As if the second had been planned when the first was done.
    const auto in_turn = updated(whole, names);
    auto expected = in_turn.content;
    for (auto& op : expected.operators) op.was.clear();
    CHECK_FALSE(difference(all.content, expected, trace_lineage(all.content, expected)).changes());
    for (const auto& op : all.content.operators)
      CHECK(all.types.find(op.name)->second.version == op.version);
  }
  CHECK(apart > 200);
}
