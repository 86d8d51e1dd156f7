#include "protocol_world.hpp"

#include <doctest/doctest.h>

using namespace instar;
using namespace instar::test;

namespace {

using updates = std::vector<operator_update>;

} // namespace

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

TEST_CASE("a source that always emits more than its credit still reaches its cut") {
  world w;
  w.plot().total = 20000;
  w.plot().per_event = 50;
  w.order(world::make_graph({"source -> a -> sink"}, {}, 4));
  for (int i = 0; i < 200; ++i) w.step();
  w.order(updates{{"source", "test.source", 2}});
  for (int i = 0; i < 3000 && w.outcomes().size() < 2; ++i) w.step();
  REQUIRE(w.outcomes().size() == 2);
  CHECK(w.outcomes()[1].outcome == transition_outcome::committed);
  CHECK(w.plot().sinks["sink"].size() < 2000);
  w.run();
  CHECK(w.check().value_or("") == "");
}
