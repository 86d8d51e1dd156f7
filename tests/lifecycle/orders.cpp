#include "protocol_world.hpp"

#include <doctest/doctest.h>

// What may be asked of a running graph besides other versions: other names, the way back, to give
// up what was asked for.

using namespace instar;
using namespace instar::test;

namespace {

using updates = std::vector<operator_update>;

} // namespace

TEST_CASE("a renamed operator goes on with queues, counters and state, at any message") {
  for (const auto* type : {"test.stage@1", "test.stage@2"}) {
    CAPTURE(type);
    std::size_t at = 0;
    for (bool reached = true; reached; ++at) {
      CAPTURE(at);
      world w;
      w.plot().total = 12;
      w.order(world::make_graph({"source -> a -> b -> sink"}));
      std::size_t done = 0;
      while (done < at && w.step()) ++done;
      reached = done == at;
      auto renamed = world::make_graph({"source -> c -> b -> sink"}, {{"c", type}});
      renamed.operators[1].was = "a";
      w.order(renamed);
      w.run();
      REQUIRE(w.outcomes().size() == 2);
      CHECK_MESSAGE(w.outcomes()[1].outcome == transition_outcome::committed,
                    w.outcomes()[1].reason);
      const auto& got = w.plot().sinks["sink"];
      REQUIRE(got.size() == 12);
      std::size_t under_old_name = 0;
      for (std::size_t i = 0; i < got.size(); ++i) {
        CHECK(got[i].number == i);
        if (!got[i].met[1].starts_with("a")) continue;
        CHECK_MESSAGE(under_old_name == i, "met the old name after the new one");
        ++under_old_name;
      }
      if (type[11] == '2') CHECK(w.plot().restored.at("c") == under_old_name);
      const auto status = w.status();
      REQUIRE(status.operators.size() == 4);
      CHECK(status.operators[1].name == "c");
      CHECK(status.operators[1].packets_in == 12);
      CHECK(status.arcs[1].name == "c.out -> b.in");

      // The same file again, and an update under the new name.
      w.order(renamed);
      w.order(updates{{"c", "test.stage", 2}, {"b", "test.stage", 2}});
      w.run();
      REQUIRE(w.outcomes().size() == 4);
      CHECK(w.outcomes()[2].outcome == transition_outcome::unchanged);
      CHECK(w.outcomes()[3].outcome == transition_outcome::committed);
      CHECK(w.outcomes()[3].epoch == 3);
      w.stop();
      w.run();
      CHECK(w.plot().instances == 0);
    }
  }
  CHECK(item::alive == 0);
}

TEST_CASE("a renaming that is rolled back leaves the old name") {
  world w;
  w.plot().total = 20;
  w.plot().throws_in_restore = "test.stage@2";
  w.order(world::make_graph({"source -> a -> b -> sink"}));
  for (int i = 0; i < 70; ++i) w.step();
  auto renamed = world::make_graph({"source -> c -> d -> sink"}, {{"c", "test.stage@2"}});
  renamed.operators[1].was = "a";
  renamed.operators[2].was = "b";
  w.order(renamed);
  w.run();
  REQUIRE(w.outcomes().size() == 2);
  CHECK(w.outcomes()[1].outcome == transition_outcome::rolled_back);
  CHECK(check_order(w.plot(), "sink").value_or("") == "");
  CHECK(w.status().operators[0].name == "a");
  CHECK(w.status().operators[1].name == "b");
}

TEST_CASE("a transition that is cancelled at any message has not been, or has committed") {
  std::size_t cancelled = 0, committed = 0;
  for (std::size_t at = 0; at < 200; ++at) {
    CAPTURE(at);
    world w;
    w.plot().total = 20;
    w.order(world::make_graph({"source -> a -> b -> c -> sink"}));
    for (int i = 0; i < 60; ++i) w.step();
    w.order(updates{{"a", "test.stage", 2}, {"c", "test.stage", 2}});
    for (std::size_t i = 0; i < at; ++i) w.step();
    w.cancel({2, false, {}});
    w.run();
    REQUIRE(w.outcomes().size() == 2);
    REQUIRE(w.answers.size() == 1);
    CHECK(w.answers[0].id == 2);
    const auto& outcome = w.outcomes()[1];
    CHECK(check_order(w.plot(), "sink").value_or("") == "");
    CHECK(check_versions(w.plot(), {"a", "c"}).value_or("") == "");
    if (w.answers[0].refusal.empty()) {
      ++cancelled;
      CHECK(outcome.outcome != transition_outcome::committed);
      CHECK(outcome.reason == "cancelled by test");
      for (const auto& r : w.plot().sinks["sink"])
        for (const auto& met : r.met) CHECK(met.ends_with("@1"));
    } else {
      ++committed;
      CHECK(outcome.outcome == transition_outcome::committed);
      CHECK(w.answers[0].refusal.find("transition 2 has ") == 0);
    }
    w.order(updates{{"a", "test.stage", 2}});
    w.run();
    CHECK(w.outcomes().back().outcome == (w.answers[0].refusal.empty()
                                              ? transition_outcome::committed
                                              : transition_outcome::unchanged));
  }
  CHECK(cancelled > 20);
  CHECK(committed > 20);
}

TEST_CASE("those that run and those that wait have ids, and each can be cancelled") {
  world w;
  w.plot().total = 50;
  w.plot().never_ready = "test.stage@1";
  w.order(world::make_graph({"source -> a -> sink"}));
  w.run();
  w.order(updates{{"a", "test.stage", 2}});
  w.order(world::make_graph({"source -> a -> b -> sink"}));
  w.order(rollback_to{1});
  w.run();
  CHECK(w.accepted == std::vector<std::uint64_t>{1, 2, 3, 4});
  const auto running = w.look().transitions;
  REQUIRE(running.size() == 3);
  CHECK(running[0].id == 2);
  CHECK(running[0].epoch == 2);
  CHECK(running[0].who == "test");
  CHECK(running[0].what == "a: test.stage@1 -> test.stage@2");
  CHECK(running[0].step == "mark");
  CHECK(running[0].waiting_for.find("it never is") != std::string::npos);
  CHECK(running[0].steps.size() == 2);
  CHECK(running[1].id == 3);
  CHECK(running[1].step == "waiting");
  CHECK(running[1].what == "graph test");
  CHECK(running[2].what == "back to epoch 1");

  const auto cancel = [&](cancel_request which) {
    w.cancel(which);
    w.run();
    std::string text;
    for (const auto& a : w.answers) text += std::to_string(a.id) + ": " + a.refusal + "\n";
    return text;
  };
  CHECK(cancel({}).starts_with("0: 3 transitions run or wait; name one"));
  CHECK(cancel({3, false, {}}) == "3: \n");
  CHECK(w.outcomes().back().id == 3);
  CHECK(w.outcomes().back().outcome == transition_outcome::refused);
  CHECK(w.outcomes().back().what == "graph test");
  CHECK(cancel({3, false, {}}) == "3: transition 3 has ended already: refused\n");
  CHECK(cancel({9, false, {}}).starts_with("9: transition 9 neither runs nor waits"));
  CHECK(cancel({0, true, {}}) == "4: \n2: \n");
  CHECK(w.outcomes().back().id == 2);
  CHECK(w.outcomes().back().outcome == transition_outcome::rolled_back);
  CHECK(w.look().transitions.empty());
  CHECK(cancel({}) == "0: no transition runs or waits\n");
  CHECK(cancel({0, true, {}}) == "");
  CHECK(check_order(w.plot(), "sink").value_or("") == "");

  w.stop();
  w.run();
  CHECK(cancel({}) == "5: transition 5 stops the service; that cannot be cancelled\n");
}

TEST_CASE("the way back carries the states back, at any message, and can be gone back itself") {
  std::size_t at = 0;
  for (bool reached = true; reached; ++at) {
    CAPTURE(at);
    world w;
    w.plot().total = 20;
    w.order(world::make_graph({"source -> a -> b -> sink"}));
    w.run();
    w.plot().total = 40;
    auto renamed = world::make_graph({"source -> c -> b -> sink"},
                                     {{"source", "test.source@2"}, {"c", "test.stage@2"}});
    renamed.operators[1].was = "a";
    w.order(renamed);
    std::size_t done = 0;
    while (done < at && w.step()) ++done;
    reached = done == at;
    w.order(rollback_to{1});
    w.run();
    REQUIRE(w.outcomes().size() == 3);
    CHECK_MESSAGE(w.outcomes()[2].outcome == transition_outcome::committed, w.outcomes()[2].reason);
    CHECK(w.outcomes()[2].what == "back to epoch 1: source: test.source@2 -> test.source@1, "
                                  "a: test.stage@2 -> test.stage@1 (was c)");
    const auto& got = w.plot().sinks["sink"];
    REQUIRE(got.size() == 40);
    for (std::size_t i = 0; i < got.size(); ++i) CHECK(got[i].number == i);
    CHECK(w.look().operators[0].packets_in == 40); // of `a`
    w.order(rollback_to{});
    w.run();
    CHECK(w.look().operators[1].name == "c");
    CHECK(w.look().operators[1].packets_in == 40);
    CHECK(w.plot().restored["c"] == 40);
  }
}

TEST_CASE("a swap of names is gone back exactly") {
  world w;
  const auto chain = [](const std::string& first, const std::string& second) {
    return world::make_graph({"source -> " + first + " -> " + second + " -> sink"});
  };
  w.plot().throws_on_packet = "a"; // so that the two can be told apart
  w.order(chain("a", "b"));
  auto aside = chain("t", "b");
  aside.operators[1].was = "a";
  auto second = chain("t", "a");
  second.operators[2].was = "b";
  auto third = chain("b", "a");
  third.operators[1].was = "t";
  for (const auto& g : {aside, second, third}) w.order(g);
  w.order(rollback_to{1});
  w.run();
  REQUIRE(w.outcomes().size() == 5);
  for (const auto& o : w.outcomes()) CHECK(o.outcome == transition_outcome::committed);
  CHECK(w.outcomes()[4].what == "back to epoch 1: a (was b), b (was a)");
  // `a` came first, and threw once at the first packet.
  CHECK(w.look().operators[0].name == "a");
  CHECK(w.look().operators[0].errors == 1);
}

TEST_CASE("only so many former graphs are kept, and the way to another is refused") {
  world w(1, [](service_options& o) { o.kept_history = 3; });
  w.order(rollback_to{});
  w.run();
  CHECK(w.outcomes()[0].outcome == transition_outcome::refused);
  w.order(world::make_graph({"source -> a -> sink"}));
  w.run();
  w.order(rollback_to{});
  w.run();
  CHECK(w.outcomes()[2].reason == "no graph ran before the present one; apply another one");
  for (std::uint32_t i = 0; i < 5; ++i) w.order(updates{{"a", "test.stage", 2 - i % 2}});
  w.order(rollback_to{3});
  w.order(rollback_to{5});
  w.run();
  CHECK(w.outcomes()[8].reason ==
        "the graph of epoch 3 is not kept; the latest kept are those of 4, 5, 6");
  CHECK(w.outcomes()[9].outcome == transition_outcome::committed);
  CHECK(w.outcomes().size() == 10);
}
