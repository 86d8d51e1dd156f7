#include "protocol_world.hpp"

#include <doctest/doctest.h>

using namespace instar;
using namespace instar::test;

namespace {

using updates = std::vector<operator_update>;

/// One kind of change, applied to a running graph.
struct scenario {
  const char* name;
  std::vector<std::string> before; ///< chains
  wanted_graph change;
  std::vector<std::string> atomic; ///< operators that change together
  std::size_t paths = 1;           ///< from sources to the sink
};

std::vector<scenario> scenarios() {
  const std::vector<std::string> line{"source -> a -> b -> c -> sink"};
  const std::vector<std::string> diamond{"source -> a -> b -> d -> sink", "a -> c -> d"};
  return {
      {"replace one operator", line, updates{{"b", "test.stage", 2}}, {"b"}},
      {"replace the source", line, updates{{"source", "test.source", 2}}, {"source"}},
      {"replace the sink", line, updates{{"sink", "test.sink", 2}}, {"sink"}},
      {"replace a set of neighbours",
       line,
       updates{{"a", "test.stage", 2}, {"b", "test.stage", 2}},
       {"a", "b"}},
      {"replace a set with an unchanged operator between",
       line,
       updates{{"a", "test.stage", 2}, {"c", "test.stage", 2}},
       {"a", "c"}},
      {"replace both branches of a fan-out",
       diamond,
       updates{{"b", "test.stage", 2}, {"c", "test.stage", 2}},
       {"b", "c"},
       2},
      {"replace a branch and what comes after the fan-in",
       diamond,
       updates{{"b", "test.stage", 2}, {"d", "test.stage", 2}},
       {"b", "d"},
       2},
      {"replace the operator at a fan-in", diamond, updates{{"d", "test.stage", 2}}, {"d"}, 2},
      {"replace everything",
       line,
       updates{{"source", "test.source", 2},
               {"a", "test.stage", 2},
               {"b", "test.stage", 2},
               {"c", "test.stage", 2},
               {"sink", "test.sink", 2}},
       {"source", "a", "b", "c", "sink"}},
  };
}

/// Whether the scenario's change, made after `at` messages, keeps the invariants.
/// Returns false when the run was over before.
bool run_with_change_at(const scenario& s, std::size_t at, std::optional<std::uint64_t> seed) {
  world w;
  if (seed) w.shuffle(*seed);
  w.plot().total = 20;
  w.order(world::make_graph(s.before));
  std::size_t done = 0;
  while (done < at && w.step()) ++done;
  const bool reached = done == at;
  w.order(s.change);
  w.run();
  REQUIRE(w.outcomes().size() == 2);
  CHECK_MESSAGE(w.outcomes()[1].outcome == transition_outcome::committed, w.outcomes()[1].reason);
  CHECK(check_order(w.plot(), "sink", s.paths).value_or("") == "");
  CHECK(check_versions(w.plot(), s.atomic).value_or("") == "");
  w.stop();
  w.run();
  CHECK(w.outcomes().back().outcome == transition_outcome::committed);
  CHECK(w.plot().instances == 0);
  return reached;
}

} // namespace

TEST_CASE("no packet is lost, duplicated or reordered by a transition started at any message") {
  std::size_t schedules = 0;
  for (const auto& s : scenarios()) {
    CAPTURE(s.name);
    std::size_t at = 0;
    while (run_with_change_at(s, at, std::nullopt)) {
      CAPTURE(at);
      ++schedules;
      at += 1;
    }
  }
  MESSAGE(schedules << " schedules, one for each message boundary of each scenario");
  CHECK(item::alive == 0);
}

TEST_CASE("the same holds under random schedules") {
  std::mt19937_64 random(20141);
  std::size_t schedules = 0;
  for (const auto& s : scenarios()) {
    CAPTURE(s.name);
    for (int round = 0; round < 60; ++round) {
      const auto seed = random();
      const auto at = random() % 400;
      CAPTURE(seed);
      CAPTURE(at);
      run_with_change_at(s, at, seed);
      ++schedules;
    }
  }
  MESSAGE(schedules << " random schedules");
  CHECK(item::alive == 0);
}

TEST_CASE("a transition that fails at any step leaves the old version serving with its state") {
  const char* reference = "test.stage@2";
  const std::vector<std::pair<const char*, std::function<void(script&)>>> faults{
      {"constructor", [&](script& s) { s.throws_in_constructor = reference; }},
      {"restore", [&](script& s) { s.throws_in_restore = reference; }},
      {"save", [&](script& s) { s.throws_in_save = "test.stage@1"; }},
  };
  for (const auto& [where, fault] : faults) {
    CAPTURE(where);
    for (std::size_t at = 60; at < 260; at += 7) {
      CAPTURE(at);
      world w;
      w.plot().total = 20;
      fault(w.plot());
      w.order(world::make_graph({"source -> a -> b -> c -> sink"}));
      for (std::size_t i = 0; i < at; ++i) w.step();
      w.order(updates{{"a", "test.stage", 2}, {"c", "test.stage", 2}});
      w.run();
      REQUIRE(w.outcomes().size() == 2);
      const auto& outcome = w.outcomes()[1];
      CHECK(outcome.outcome != transition_outcome::committed);
      CHECK(outcome.reason.find("told to fail in") != std::string::npos);
      CHECK(check_order(w.plot(), "sink").value_or("") == "");
      for (const auto& r : w.plot().sinks["sink"])
        for (const auto& met : r.met) CHECK(met.ends_with("@1"));

      w.plot().throws_in_constructor = w.plot().throws_in_restore = w.plot().throws_in_save = "";
      w.order(updates{{"a", "test.stage", 2}, {"c", "test.stage", 2}});
      w.run();
      CHECK(w.outcomes().back().outcome == transition_outcome::committed);
      CHECK(w.plot().restored["a"] == w.plot().total);
      CHECK(w.plot().restored["c"] == w.plot().total);
      w.stop();
      w.run();
      CHECK(w.plot().instances == 0);
    }
  }
}

TEST_CASE("no transition hangs: an operator that never is ready is named at the deadline") {
  world w;
  w.plot().total = 50;
  w.plot().never_ready = "test.stage@1";
  w.order(world::make_graph({"source -> a -> sink"}));
  for (int i = 0; i < 80; ++i) w.step();
  w.order(updates{{"a", "test.stage", 2}}, std::chrono::seconds(2));
  w.run();
  CHECK(w.outcomes().size() == 1);
  w.advance(std::chrono::seconds(3));
  w.run();
  REQUIRE(w.outcomes().size() == 2);
  CHECK(w.outcomes()[1].outcome == transition_outcome::rolled_back);
  CHECK(w.outcomes()[1].reason ==
        "the deadline has passed: operator 'a' says not yet: it never is, operator 'a' has not "
        "restored its state");
  CHECK(check_order(w.plot(), "sink").value_or("") == "");
}

TEST_CASE("transitions asked for while one runs take place in the order they came") {
  world w;
  w.plot().total = 60;
  w.order(world::make_graph({"source -> a -> b -> sink"}));
  for (int i = 0; i < 60; ++i) w.step();
  w.order(updates{{"a", "test.stage", 2}});
  w.order(updates{{"b", "test.stage", 2}});
  w.order(updates{{"a", "test.stage", 1}, {"b", "test.stage", 1}});
  w.run();
  REQUIRE(w.outcomes().size() == 4);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(w.outcomes()[i].outcome == transition_outcome::committed);
    CHECK(w.outcomes()[i].epoch == i + 1);
  }
  CHECK(check_order(w.plot(), "sink").value_or("") == "");
}

TEST_CASE("an update that changes nothing is answered as unchanged") {
  world w;
  w.order(world::make_graph({"source -> a -> sink"}));
  w.run();
  w.order(updates{{"a", "test.stage", 1}});
  w.run();
  CHECK(w.outcomes()[1].outcome == transition_outcome::unchanged);
  CHECK(w.outcomes()[1].epoch == 1);
}

TEST_CASE("an update of an operator that is not there, or to a type that is not, is refused") {
  world w;
  w.order(world::make_graph({"source -> a -> sink"}));
  w.run();
  w.order(updates{{"x", "test.stage", 2}});
  w.order(updates{{"a", "test.stage", 9}});
  w.run();
  REQUIRE(w.outcomes().size() == 3);
  CHECK(w.outcomes()[1].outcome == transition_outcome::refused);
  CHECK(w.outcomes()[1].reason.find("'x'") != std::string::npos);
  CHECK(w.outcomes()[2].outcome == transition_outcome::refused);
  CHECK(w.outcomes()[2].reason.find("test.stage@9") != std::string::npos);
  CHECK(check_order(w.plot(), "sink").value_or("") == "");
}

TEST_CASE("a slow consumer stops its producers: no arc holds more than its credit") {
  world w;
  w.plot().total = 500;
  w.plot().per_event = 50;
  w.order(world::make_graph({"source -> a -> b -> sink"}, {}, 4));
  std::int64_t most = 0;
  while (w.step()) most = std::max(most, item::alive);
  CHECK(check_order(w.plot(), "sink").value_or("") == "");
  // Three arcs of 4, one event's 50 kept by the source, and one in each operator's hands.
  CHECK(most <= 3 * 4 + 50 + 6);
}

TEST_CASE("an operator that throws while processing is handled by its declared strategy") {
  const auto run = [](error_strategy strategy) {
    auto w = std::make_unique<world>();
    w->plot().total = 20;
    w->plot().throws_on_packet = "a";
    w->plot().throws_at = 7;
    auto g = world::make_graph({"source -> a -> sink"});
    for (auto& op : g.operators) op.on_error.strategy = strategy;
    w->order(g);
    w->run();
    return w;
  };
  SUBCASE("resume: the packet is skipped, the instance goes on") {
    auto w = run(error_strategy::resume);
    CHECK(w->plot().sinks["sink"].size() == 19);
    CHECK(w->status().operators[0].errors == 1);
    CHECK(w->plot().restored.count("a") == 0);
  }
  SUBCASE("restart: a new instance goes on with the last state") {
    auto w = run(error_strategy::restart);
    CHECK(w->plot().sinks["sink"].size() == 19);
    CHECK(w->status().operators[0].restarts == 1);
    CHECK(w->plot().restored["a"] == 7);
  }
  SUBCASE("stop: the service is asked to stop, with the reason") {
    auto w = run(error_strategy::stop);
    REQUIRE(w->stop_reasons.size() == 1);
    CHECK(w->stop_reasons[0].find("told to fail on a packet") != std::string::npos);
  }
}

TEST_CASE("more errors than allowed in the window stop the service") {
  world w;
  w.plot().total = 20;
  w.plot().throws_on_packet = "a";
  auto g = world::make_graph({"source -> a -> sink"});
  for (auto& op : g.operators) op.on_error = {error_strategy::resume, 0, std::chrono::seconds(1)};
  w.order(g);
  w.run();
  REQUIRE(w.stop_reasons.size() == 1);
  CHECK(w.stop_reasons[0].find("more than 0 times") != std::string::npos);
}

TEST_CASE("stopping drains: every packet that a source has emitted arrives") {
  world w;
  w.plot().total = 1000;
  w.order(world::make_graph({"source -> a -> b -> sink"}));
  for (int i = 0; i < 200; ++i) w.step();
  w.stop();
  w.run();
  CHECK(w.outcomes().back().outcome == transition_outcome::committed);
  CHECK(w.plot().instances == 0);
  const auto& got = w.plot().sinks["sink"];
  REQUIRE(got.size() < 1000);
  for (std::size_t i = 0; i < got.size(); ++i) CHECK(got[i].number == i);
  CHECK(item::alive == 0);
  w.order(world::make_graph({"source -> sink"}));
  w.run();
  CHECK(w.outcomes().back().outcome == transition_outcome::refused);
}
