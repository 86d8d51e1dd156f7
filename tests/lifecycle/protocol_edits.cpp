// Operators that are put on arcs for a while: at every message boundary, and what remains of them.

#include "protocol_world.hpp"

#include "lifecycle/trace_tap.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace instar;
using namespace instar::test;
using namespace std::chrono_literals;

namespace {

using updates = std::vector<operator_update>;
using values = std::vector<std::pair<std::string, setting_value>>;
constexpr auto committed = transition_outcome::committed;

graph_edit put(const std::string& on, const std::string& name = "tap", const values& with = {}) {
  operator_node op;
  op.name = name;
  op.type = trace_tap::type.name;
  op.version = trace_tap::type.version;
  for (const auto& [key, value] : with) op.values.set(key, value);
  return {{{on, std::move(op), "in", "out"}}, {}};
}

graph_edit take_off(const std::string& name = "tap") { return {{}, {name}}; }

std::set<std::string> arcs(world& w) {
  std::set<std::string> names;
  for (const auto& a : w.look().arcs) names.insert(a.name);
  return names;
}

bool runs(world& w, const std::string& op) {
  for (const auto& o : w.look().operators)
    if (o.name == op) return true;
  return false;
}

void steps(world& w, std::size_t count) {
  for (std::size_t i = 0; i < count && w.step(); ++i) {
  }
}

void check_all_committed(const world& w, std::size_t count) {
  REQUIRE(w.outcomes().size() == count);
  for (const auto& o : w.outcomes()) CHECK_MESSAGE(o.outcome == committed, o.reason);
}

struct run {
  std::vector<std::string> chains;
  std::string on;
  std::size_t capacity = 4;
  std::size_t put_at = 0, off_at = 0; ///< messages before each
};

/// Puts one on and takes it off again under load; returns whether the run was that long.
bool keeps_invariants(const run& how) {
  world w;
  w.plot().total = 24;
  w.order(world::make_graph(how.chains, {}, how.capacity));
  std::size_t done = 0;
  while (done < how.put_at && w.step()) ++done;
  const auto box = w.traces().open("tap");
  w.order(put(how.on));
  std::size_t more = 0;
  while (more < how.off_at && w.step()) ++more;
  w.order(take_off());
  w.run();
  for (int i = 0; i < 100 && w.outcomes().size() < 3; ++i) { // a loop is looked at now and then
    w.advance(1ms);
    w.run();
  }
  check_all_committed(w, 3);
  CHECK(w.check().value_or("") == "");
  CHECK_FALSE(runs(w, "tap"));
  CHECK(box->abandoned());
  for (const auto& h : box->take(10'000)) CHECK(h.payload == item::payload_name);
  CHECK(box->totals().dropped == 0);
  w.stop();
  w.run();
  CHECK(w.check_ended().value_or("") == "");
  return done == how.put_at && more == how.off_at;
}

} // namespace

TEST_CASE("nothing is lost or reordered by what is put on an arc and taken off, at any message") {
  const std::vector<run> runs = {
      {{"source -> a -> b -> sink"}, "a.out -> b.in"},
      {{"source -> a -> b -> sink"}, "a.out -> b.in", 1},
      {{"source -> a -> sink"}, "source.out -> a.in"},
      {{"source -> a -> b -> d -> sink", "a -> c -> d"}, "c.out -> d.in", 2},
      {{"source -> a -> turn -> sink", "turn.again ~> a"}, "turn.again -> a.in", 2},
      {{"source -> a -> turn -> sink", "turn.again ~> a"}, "a.out -> turn.in", 2},
  };
  std::size_t schedules = 0;
  for (auto how : runs) {
    CAPTURE(how.on);
    for (bool reached = true; reached; ++how.put_at, ++schedules) {
      CAPTURE(how.put_at);
      reached = keeps_invariants(how);
    }
    how.put_at = 40;
    for (bool reached = true; reached; ++how.off_at, ++schedules) {
      CAPTURE(how.off_at);
      reached = keeps_invariants(how);
    }
  }
  MESSAGE(schedules << " schedules");
  CHECK(schedules > 500);
}

TEST_CASE("a tap tells of each packet in its order, with the gap to the one before") {
  world w;
  w.plot().total = 50;
  w.order(world::make_graph({"source -> a -> sink"}));
  const auto box = w.traces().open("tap");
  w.order(put("a.out -> sink.in"));
  w.run();
  check_all_committed(w, 2);
  CHECK(arcs(w) ==
        std::set<std::string>{"source.out -> a.in", "a.out -> tap.in", "tap.out -> sink.in"});
  const auto told = box->take(1000);
  REQUIRE(told.size() > 20);
  CHECK(told[0].gap.count() == -1);
  for (std::size_t i = 1; i < told.size(); ++i) {
    CHECK(told[i].key == told[i - 1].key + 1);
    CHECK(told[i].gap == told[i].when - told[i - 1].when);
  }
  CHECK(w.plot().sinks["sink"].size() == 50);
}

TEST_CASE("a delay keeps the order, holds a bounded number, and holds the cut back") {
  world w;
  w.plot().total = 0; // until the tap is on
  w.order(world::make_graph({"source -> a -> b -> sink"}));
  w.order(put("a.out -> b.in", "tap", {{"delay", std::string("100ms")}, {"held", 8l}}));
  w.run();
  w.plot().total = 60;
  w.order(updates{{"source", "test.source", 2}}); // begins to emit
  w.run();
  check_all_committed(w, 3);
  CHECK(w.plot().sinks["sink"].empty());
  const auto held = w.plot().seen.entries("a");
  CHECK(held < 30); // the credit has stopped the source
  CHECK(held >= 8);

  // Old packets are held, so no marker passes: neither what is replaced before and behind it
  // changes, nor is the tap taken off.
  w.order(updates{{"a", "test.stage", 2}, {"b", "test.stage", 2}}, 10s);
  w.order(take_off(), 20s);
  w.run();
  CHECK(w.outcomes().size() == 3);
  w.advance(99ms);
  w.run();
  CHECK(w.plot().sinks["sink"].empty());
  for (int i = 0; i < 40 && w.outcomes().size() < 5; ++i) {
    w.advance(50ms);
    w.run();
  }
  check_all_committed(w, 5);
  for (int i = 0; i < 40; ++i) {
    w.advance(50ms);
    w.run();
  }
  CHECK(check_order(w.plot(), "sink").value_or("") == "");
  CHECK(check_versions(w.plot(), {"a", "b"}).value_or("") == "");
  CHECK_FALSE(runs(w, "tap"));
}

TEST_CASE("while the deadline passes with packets held, all stays as it was; later it comes off") {
  world w;
  w.plot().total = 0;
  w.order(world::make_graph({"source -> a -> sink"}));
  w.order(put("a.out -> sink.in", "tap", {{"delay", std::string("10s")}}));
  w.run();
  w.plot().total = 5;
  w.order(updates{{"source", "test.source", 2}});
  w.run();
  w.order(take_off(), 1s);
  w.run();
  w.advance(2s);
  w.run();
  REQUIRE(w.outcomes().size() == 4);
  CHECK(w.outcomes()[3].outcome == transition_outcome::rolled_back);
  CHECK(w.outcomes()[3].reason.find("keeps packets back") != std::string::npos);
  CHECK(runs(w, "tap"));
  w.advance(10s);
  w.run();
  w.order(take_off());
  w.run();
  CHECK(w.outcomes()[4].outcome == committed);
  CHECK(check_order(w.plot(), "sink").value_or("") == "");
}

TEST_CASE("what is dropped is chosen by the seed, and counted") {
  const auto run = [](std::int64_t seed, double drop) {
    world w;
    w.plot().total = 0;
    w.order(world::make_graph({"source -> a -> sink"}));
    const auto box = w.traces().open("tap");
    w.order(put("a.out -> sink.in", "tap", {{"drop", drop}, {"seed", seed}}));
    w.run();
    w.plot().total = 400;
    w.order(updates{{"source", "test.source", 2}});
    w.run();
    std::vector<std::uint64_t> arrived;
    for (const auto& r : w.plot().sinks["sink"]) arrived.push_back(r.number);
    CHECK(box->totals().packets == 400);
    CHECK(box->totals().dropped == 400 - arrived.size());
    std::size_t i = 0;
    for (const auto& h : box->take(1000))
      if (!h.dropped) CHECK(arrived[i++] == h.key);
    return arrived;
  };
  const auto some = run(7, 0.3);
  CHECK(some.size() > 230);
  CHECK(some.size() < 330);
  CHECK(run(7, 0.3) == some);
  CHECK(run(8, 0.3) != some);
  CHECK(run(7, 0).size() == 400);
  CHECK(run(7, 1).empty());
}

TEST_CASE("settings that make no sense refuse the transition") {
  world w;
  w.order(world::make_graph({"source -> a -> sink"}));
  w.order(put("a.out -> sink.in", "tap", {{"drop", 1.5}}));
  w.order(put("a.out -> sink.in", "tap", {{"held", 0l}}));
  w.order(put("a.out -> nobody.in"));
  w.order(take_off());
  w.order(take_off("a"));
  w.run();
  REQUIRE(w.outcomes().size() == 6);
  for (std::size_t i = 1; i < 6; ++i) CHECK(w.outcomes()[i].outcome == transition_outcome::refused);
  CHECK(w.outcomes()[1].reason.find("drop is not within 0 to 1") != std::string::npos);
  CHECK(w.outcomes()[3].reason.find("no arc") != std::string::npos);
  CHECK(w.check().value_or("") == "");
}

TEST_CASE("the way back does not know what was put on and taken off") {
  world w;
  w.order(world::make_graph({"source -> a -> sink"}));
  w.order(world::make_graph({"source -> a -> b -> sink"}));
  w.run();
  const auto before = arcs(w);
  w.order(put("a.out -> b.in"));
  w.run();
  CHECK(runs(w, "tap"));
  w.order(take_off());
  w.run();
  CHECK(arcs(w) == before);
  w.order(rollback_to{3}); // of the edit: no version
  w.order(rollback_to{});
  w.run();
  REQUIRE(w.outcomes().size() == 6);
  CHECK(w.outcomes()[2].what == "put tap on a.out -> b.in");
  CHECK(w.outcomes()[3].what == "take tap off");
  CHECK(w.outcomes()[4].reason ==
        "the graph of epoch 3 is not kept; the latest kept are those of 1, 2");
  CHECK(w.outcomes()[5].what == "back to epoch 1: - b");
  CHECK(w.check().value_or("") == "");
}

TEST_CASE("a rollback while it is on takes it off, too") {
  world w;
  w.order(world::make_graph({"source -> a -> sink"}));
  w.order(world::make_graph({"source -> a -> b -> sink"}));
  w.order(put("a.out -> b.in"));
  w.order(rollback_to{1});
  w.run();
  check_all_committed(w, 4);
  CHECK(arcs(w) == std::set<std::string>{"source.out -> a.in", "a.out -> sink.in"});
  w.order(take_off());
  w.order(rollback_to{});
  w.run();
  CHECK(w.outcomes()[4].outcome == transition_outcome::refused);
  CHECK(w.outcomes()[5].what == "back to epoch 2: + b: test.stage@1");
  CHECK(w.check().value_or("") == "");
}

TEST_CASE("an update of the neighbours leaves it on; a whole graph takes it off") {
  world w;
  const auto first = world::make_graph({"source -> a -> b -> sink"});
  w.order(world::make_graph({"source -> b -> sink"}));
  w.order(first);
  steps(w, 120);
  w.order(put("a.out -> b.in"));
  w.order(updates{{"a", "test.stage", 2}, {"b", "test.stage", 2}});
  w.order(updates{{"a", "test.stage", 1}, {"b", "test.stage", 1}});
  w.run();
  check_all_committed(w, 5);
  CHECK(runs(w, "tap"));
  CHECK(w.check().value_or("") == "");
  w.order(first);
  w.run();
  REQUIRE(w.outcomes().size() == 6);
  CHECK(w.outcomes()[5].outcome == committed);
  CHECK(w.outcomes()[5].what == "- tap");
  CHECK_FALSE(runs(w, "tap"));
  // That was no new version: the one before it is that of the first update.
  w.order(rollback_to{});
  w.run();
  CHECK(w.outcomes()[6].what ==
        "back to epoch 4: a: test.stage@1 -> test.stage@2, b: test.stage@1 -> test.stage@2");
}

TEST_CASE("others may change what they like while it is put on and taken off") {
  world w;
  w.plot().total = 60;
  w.order(world::make_graph({"source -> a -> b -> sink", "source2 -> c -> d -> sink2"}));
  steps(w, 60);
  const auto before = arcs(w);
  for (std::uint32_t i = 0; i < 6; ++i) {
    w.order(put("a.out -> b.in"));
    w.order(updates{{"d", "test.stage", 2 - i % 2}});
    steps(w, 7);
    w.order(take_off());
    w.order(updates{{"c", "test.stage", 2 - i % 2}});
    steps(w, 5);
  }
  w.run();
  check_all_committed(w, 25);
  CHECK(arcs(w) == before);
  CHECK(w.check().value_or("") == "");
}
