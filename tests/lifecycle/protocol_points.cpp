// A change of each kind, started at every message boundary of a run, and on random schedules.

#include "protocol_world.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace instar;
using namespace instar::test;

namespace {

using updates = std::vector<operator_update>;
using chains = std::vector<std::string>;
constexpr auto committed = transition_outcome::committed;
constexpr auto rolled_back = transition_outcome::rolled_back;

/// Changes of a running graph, asked for in one go.
struct scenario {
  std::string name;
  chains before;
  /// Whole graphs as chains (with other types than the usual ones), or some operators exchanged.
  struct change {
    std::variant<updates, chains> to;
    std::map<std::string, std::string> types = {};
    std::size_t capacity_of_first = 0; ///< of the graph's first arc, if it is another
    transition_outcome outcome = committed;
  };
  std::vector<change> changes;
  std::string restore_fails = {};    ///< the operator, in the transition that is rolled back
  std::size_t capacity_of_first = 0; ///< as in `change`
  bool at_once = false;              ///< the changes have nothing in common: some run together
};

std::vector<scenario> replacing() {
  const chains line{"source -> a -> b -> c -> sink"};
  const chains diamond{"source -> a -> b -> d -> sink", "a -> c -> d"};
  const operator_update source{"source", "test.source", 2}, sink{"sink", "test.sink", 2};
  const operator_update a{"a", "test.stage", 2}, b{"b", "test.stage", 2};
  const operator_update c{"c", "test.stage", 2}, d{"d", "test.stage", 2};
  return {
      {"replace one operator", line, {{updates{b}}}},
      {"replace the source", line, {{updates{source}}}},
      {"replace the sink", line, {{updates{sink}}}},
      {"replace a set of neighbours", line, {{updates{a, b}}}},
      {"replace a set with an unchanged operator between", line, {{updates{a, c}}}},
      {"replace both branches of a fan-out", diamond, {{updates{b, c}}}},
      {"replace a branch and what comes after the fan-in", diamond, {{updates{b, d}}}},
      {"replace the operator at a fan-in", diamond, {{updates{d}}}},
      {"replace both ends of a diamond", diamond, {{updates{a, d}}}},
      {"replace everything", line, {{updates{source, a, b, c, sink}}}},
  };
}

std::vector<scenario> reshaping() {
  const chains line{"source -> a -> b -> c -> sink"};
  const chains diamond{"source -> a -> b -> d -> sink", "a -> c -> d"};
  const chains fan_out{"source -> a -> b -> sink", "a -> c -> sink2"};
  return {
      {"insert an operator on an arc", line, {{chains{"source -> a -> x -> b -> c -> sink"}}}},
      {"insert an operator behind the source",
       line,
       {{chains{"source -> x -> a -> b -> c -> sink"}}}},
      {"insert on one branch of a fan-out",
       fan_out,
       {{chains{"source -> a -> x -> b -> sink", "a -> c -> sink2"}}}},
      {"insert before a fan-out",
       fan_out,
       {{chains{"source -> a -> x -> b -> sink", "x -> c -> sink2"}}}},
      {"insert a branch", line, {{chains{"source -> a -> b -> c -> sink", "a -> x -> c"}}}},
      {"insert replicas around an operator",
       line,
       {{chains{"source -> a -> r.out0 -> b1 -> c -> sink", "r.out1 -> b2 -> c",
                "r.out2 -> b3 -> c"},
         {{"r", "test.router@1"}}}}},
      {"insert one that splits and replace behind it",
       {"source -> a -> s -> b -> c -> sink"},
       {{chains{"source -> a -> s -> b -> c -> sink"},
         {{"b", "test.stage@2"}, {"c", "test.stage@2"}}}}},
      {"remove an operator", line, {{chains{"source -> a -> c -> sink"}}}},
      {"remove all operators but the ends", line, {{chains{"source -> sink"}}}},
      {"remove a branch of a diamond", diamond, {{chains{"source -> a -> b -> d -> sink"}}}},
      {"remove a branch that ends in a sink", fan_out, {{chains{"source -> a -> b -> sink"}}}},
  };
}

std::vector<scenario> rewiring() {
  const chains line{"source -> a -> b -> c -> sink"};
  const chains two{"source -> a -> b -> sink", "a -> c -> sink2"};
  return {
      {"move an arc from one operator to another",
       {"source -> a -> b -> sink", "source -> c -> d -> sink2"},
       {{chains{"source -> a -> sink", "source -> c -> d -> sink2", "c -> b -> sink"}}}},
      {"move an arc's end to another sink",
       two,
       {{chains{"source -> a -> b -> sink2", "a -> c -> sink2", "b -> sink"}}}},
      {"change the order of two operators", line, {{chains{"source -> b -> a -> c -> sink"}}}},
      {"give an arc less capacity", line, {{line}}, {}, 64},
      {"give an arc more capacity", line, {{line, {}, 64}}},
      {"exchange a sub-graph for another",
       line,
       {{chains{"source -> a -> x -> y -> sink", "a -> z -> y"}}}},
      {"exchange everything between source and sink for another graph",
       {"source -> a -> b -> d -> sink", "a -> c -> d"},
       {{chains{"source -> x -> sink"}}}},
      {"add a source", line, {{chains{"source -> a -> b -> c -> sink", "source2 -> b"}}}},
      {"remove a source",
       {"source -> a -> b -> c -> sink", "source2 -> b"},
       {{chains{"source -> a -> b -> c -> sink"}}}},
      {"remove the only source for another", line, {{chains{"source2 -> a -> b -> c -> sink"}}}},
      {"add a sink", line, {{chains{"source -> a -> b -> c -> sink", "b -> sink2"}}}},
      {"remove a sink",
       {"source -> a -> b -> c -> sink", "b -> sink2"},
       {{chains{"source -> a -> b -> c -> sink"}}}},
      {"add and remove, sources and sinks, at once",
       {"source -> a -> b -> sink", "source2 -> b -> sink2"},
       {{chains{"source -> a -> b -> sink", "source3 -> a -> sink3"}}}},
      {"replace, insert, remove and rewire at once",
       {"source -> a -> b -> c -> d -> sink", "a -> e -> d"},
       {{chains{"source -> a -> x -> b -> d -> sink", "a -> e -> b"},
         {{"a", "test.stage@2"}, {"e", "test.stage@2"}}}}},
  };
}

std::vector<scenario> sequences() {
  const chains line{"source -> a -> b -> c -> sink"};
  const operator_update a{"a", "test.stage", 2}, b{"b", "test.stage", 2}, c{"c", "test.stage", 2};
  const operator_update back{"b", "test.stage", 1};
  const chains inserted{"source -> a -> x -> b -> c -> sink"};
  return {
      {"a set is rolled back, then committed",
       line,
       {{updates{a, c}, {}, 0, rolled_back}, {updates{a, c}}},
       "c"},
      {"a set is rolled back by its first operator, then another committed",
       line,
       {{updates{a, c}, {}, 0, rolled_back}, {updates{b}}},
       "a"},
      {"an insertion with a replacement is rolled back, then committed",
       line,
       {{inserted, {{"c", "test.stage@2"}}, 0, rolled_back}, {inserted, {{"c", "test.stage@2"}}}},
       "c"},
      {"two changes of one operator", line, {{updates{b}}, {updates{back}}}},
      {"two changes of overlapping sets", line, {{updates{a, b}}, {updates{b, c, back}}}},
      {"two changes far apart, the later operator first", line, {{updates{c}}, {updates{a}}}},
      {"insert and remove", line, {{inserted}, {line}, {inserted}}},
      {"remove the end of a graph and take it back",
       {"source -> a -> b -> sink", "a -> sink2"},
       {{chains{"source -> a -> sink2"}}, {chains{"source -> a -> b -> sink", "a -> sink2"}}}},
  };
}

/// Asked for at once: what overlaps takes its turn, what does not runs at the same time.
std::vector<scenario> at_once() {
  const chains line{"source -> a -> b -> c -> sink"};
  const chains diamond{"source -> a -> b -> d -> sink", "a -> c -> d"};
  const chains two_lines{"source -> a -> b -> sink", "source2 -> c -> d -> sink2"};
  const chains inserted{"source -> a -> x -> b -> sink", "source2 -> c -> d -> sink2"};
  const operator_update source{"source", "test.source", 2}, sink{"sink", "test.sink", 2};
  const operator_update a{"a", "test.stage", 2}, b{"b", "test.stage", 2};
  const operator_update c{"c", "test.stage", 2}, d{"d", "test.stage", 2};
  const auto disjoint = [](const char* name, const chains& before, auto... changes) {
    return scenario{name, before, {{changes}...}, {}, 0, true};
  };
  return {
      disjoint("three changes that have nothing in common",
               {"source -> a -> sink", "source2 -> b -> sink2", "source3 -> c -> sink3"},
               updates{a}, updates{b}, updates{c}),
      disjoint("two in a row, one not touched between them", line, updates{a}, updates{c}),
      disjoint("the ends of a graph, the later first", line, updates{sink}, updates{source}),
      disjoint("a set in each of two lines", two_lines, updates{a, b}, updates{c, d}),
      disjoint("an insertion beside a replacement", two_lines, inserted, updates{d}),
      {"two that share an arc", line, {{updates{a}}, {updates{b}}}},
      {"one between the operators of the other", line, {{updates{a, c}}, {updates{b}}}},
      {"one inside the region of the other", diamond, {{updates{d}}, {updates{a}}}},
      {"a branch each of one fan-out", diamond, {{updates{b}}, {updates{c}}}},
      {"a rollback and one that waits for it",
       line,
       {{updates{a, b}, {}, 0, rolled_back}, {updates{b, c}}},
       "b"},
  };
}

std::vector<scenario> scenarios() {
  std::vector<scenario> all;
  for (auto* some : {replacing, reshaping, rewiring, sequences, at_once})
    for (auto& s : some()) all.push_back(std::move(s));
  return all;
}

/// How a scenario is run.
struct schedule {
  std::size_t at = 0; ///< messages before the changes are asked for
  std::optional<std::uint64_t> seed;
  std::size_t capacity = 4, activation_limit = 1;
  std::uint64_t per_event = 1, total = 20;
  bool feeds = false; ///< the sources are `test.feed`
};

graph make(const chains& of, std::map<std::string, std::string> types, const schedule& how,
           std::size_t capacity_of_first) {
  types.emplace("s", "test.burst@1");
  auto made = world::make_graph(of, types, how.capacity);
  if (capacity_of_first > 0) made.arcs.front().capacity = capacity_of_first;
  if (how.feeds)
    for (auto& op : made.operators)
      if (op.type == "test.source") op.type = "test.feed";
  return made;
}

wanted_graph wanted(const scenario::change& c, const schedule& how) {
  if (const auto* whole = std::get_if<chains>(&c.to))
    return make(*whole, c.types, how, c.capacity_of_first);
  auto some = std::get<updates>(c.to);
  if (how.feeds)
    for (auto& update : some)
      if (update.type == "test.source") update.type = "test.feed";
  return some;
}

/// Whether two transitions have really run at the same time, up to now.
void look_for_two(world& w, bool& seen) {
  if (seen) return;
  const auto all = w.look().transitions;
  seen = std::count_if(all.begin(), all.end(),
                       [](const transition_status& t) { return t.epoch != 0; }) > 1;
}

/// Whether the scenario keeps the invariants under this schedule. Returns false when the run was
/// over before the changes were asked for. Counts those in which two ran at the same time.
bool keeps_invariants(const scenario& s, const schedule& how, std::size_t& together) {
  world w(how.activation_limit);
  if (how.seed) w.shuffle(*how.seed);
  w.plot().total = how.total;
  w.plot().notes_ways = false;
  w.plot().per_event = how.per_event;
  w.plot().throws_in_restore = s.restore_fails;
  w.on_outcome = [&](const history_entry& e) {
    if (e.outcome == rolled_back) w.plot().throws_in_restore.clear();
  };
  w.order(make(s.before, {}, how, s.capacity_of_first));
  std::size_t done = 0;
  while (done < how.at && w.step()) ++done;
  const bool reached = done == how.at;
  for (const auto& c : s.changes) w.order(wanted(c, how));
  bool two = false;
  while (w.step())
    if (s.at_once) look_for_two(w, two);
  together += two;
  REQUIRE(w.outcomes().size() == s.changes.size() + 1);
  for (std::size_t i = 0; i < s.changes.size(); ++i) {
    CAPTURE(i);
    CHECK_MESSAGE(w.outcomes()[i + 1].outcome == s.changes[i].outcome, w.outcomes()[i + 1].reason);
  }
  CHECK(w.check().value_or("") == "");
  w.stop();
  w.run();
  CHECK(w.outcomes().back().outcome == committed);
  CHECK(w.check_ended().value_or("") == "");
  return reached;
}

} // namespace

TEST_CASE("no packet is lost, duplicated or reordered by changes started at any message") {
  std::size_t schedules = 0;
  const auto all = scenarios();
  for (const auto& s : all) {
    CAPTURE(s.name);
    std::size_t together = 0;
    for (const bool feeds : {false, true})
      for (std::size_t at = 0;; ++at, ++schedules) {
        CAPTURE(feeds);
        CAPTURE(at);
        schedule how;
        how.at = at;
        how.capacity = feeds ? 1 : 4;
        how.feeds = feeds;
        if (!keeps_invariants(s, how, together)) break;
      }
    CHECK((together > 0) == s.at_once);
  }
  MESSAGE(schedules << " schedules: every message boundary of " << all.size() << " scenarios");
}

TEST_CASE("the same holds under random schedules") {
  std::mt19937_64 random(20141);
  std::size_t schedules = 0, together = 0;
  for (const auto& s : scenarios()) {
    CAPTURE(s.name);
    for (int round = 0; round < 100; ++round, ++schedules) {
      schedule how;
      how.seed = random();
      how.at = random() % 300;
      how.capacity = 1 + random() % 5;
      how.activation_limit = 1 + random() % 4;
      how.per_event = 1 + random() % 6;
      how.feeds = random() % 2;
      CAPTURE(round);
      CAPTURE(*how.seed);
      CAPTURE(how.at);
      CAPTURE(how.capacity);
      CAPTURE(how.activation_limit);
      CAPTURE(how.per_event);
      CAPTURE(how.feeds);
      keeps_invariants(s, how, together);
    }
  }
  MESSAGE(schedules << " random schedules, two transitions at the same time in " << together);
}
