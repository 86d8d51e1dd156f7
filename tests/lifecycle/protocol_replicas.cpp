// The number of operators that share packets by their keys changes, at every message boundary of a
// run.

#include "every_point.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

using namespace instar;
using namespace instar::test;

namespace {

constexpr auto committed = transition_outcome::committed;
constexpr auto rolled_back = transition_outcome::rolled_back;
constexpr auto refused = transition_outcome::refused;
constexpr std::uint64_t total = 60;

/// `keep` in this version, by so many.
graph graph_of(std::uint32_t replicas, std::uint32_t version = 1, std::uint32_t before = 1) {
  auto g = world::make_graph(
      {"source -> key -> keep -> sink"},
      {{"key", "test.keyer@1"}, {"keep", "test.tally@" + std::to_string(version)}});
  for (auto& op : g.operators) {
    if (op.name == "keep") op.replicas = replicas;
    if (op.name == "key") op.replicas = before;
  }
  return g;
}

/// The state that is merged says what all together have handled.
void check_handled(script& s) {
  std::uint64_t handled = 0;
  for (const auto& [replica, count] : s.handled["keep"].second) handled += count;
  CHECK(handled == s.total);
}

/// Each key has some items, unless more are asked for.
void run_shared(changed_run run) {
  if (run.keys == 0) run.keys = 25;
  run.items = total;
  run.at_end = check_handled;
  run_at_every_point(run);
}

} // namespace

TEST_CASE("from one to three, to two, and to one again") {
  run_shared({.first = graph_of(1), .orders = {graph_of(3), graph_of(2), graph_of(1)}});
}

TEST_CASE("those before them are several, too") {
  // No key twice: items of one key that came by two ways have no order.
  run_shared(
      {.first = graph_of(2, 1, 2), .orders = {graph_of(3, 1, 2), graph_of(2, 1, 2)}, .keys = 400});
}

TEST_CASE("all replicas of an operator become another version at once") {
  const std::vector<operator_update> forward{{"keep", "test.tally", 2}};
  run_shared({.first = graph_of(3), .orders = {forward, graph_of(2, 2), graph_of(3, 1)}});
}

TEST_CASE("the way back is one to the former number") {
  world w;
  w.plot().total = total;
  w.order(graph_of(2));
  w.order(graph_of(3));
  w.run();
  w.order(rollback_to{0});
  w.run();
  REQUIRE(w.outcomes().size() == 3);
  CHECK(w.outcomes()[2].outcome == committed);
  CHECK(w.outcomes()[2].what.find("keep: 3 -> 2 replicas") != std::string::npos);
  CHECK(!w.check());
  const auto status = w.status();
  std::size_t replicas = 0;
  for (const auto& op : status.operators) replicas += op.replica_of == "keep" && op.replicas == 2;
  CHECK(replicas == 2);
}

TEST_CASE("a new replica that cannot take over what is its leaves the old ones serving") {
  // The key comes in the middle of the run, so that it is copied ahead, or at the cut.
  run_shared({.first = graph_of(1),
              .orders = {graph_of(3, 2)},
              .plot =
                  [](script& s) {
                    s.preloaded = 30;
                    s.throws_at_key = 30 * 7919 % s.keys;
                  },
              .outcome =
                  [](const history_entry& e) {
                    if (e.outcome == committed) return; // it was not there yet
                    CHECK((e.outcome == refused || e.outcome == rolled_back));
                    CHECK(e.reason.find("told to fail on a key") != std::string::npos);
                  },
              .keys = 400});
}

TEST_CASE("an old replica that never is ready leaves all of them serving") {
  run_shared({.first = graph_of(3),
              .orders = {graph_of(2)},
              .plot = [](script& s) { s.never_ready = "keep:1/3"; },
              .outcome =
                  [](const history_entry& e) {
                    CHECK(e.outcome == rolled_back);
                    CHECK(e.reason.find("keep:1/3") != std::string::npos);
                  },
              .waits = true});
}

TEST_CASE("who keeps state without keys cannot be split") {
  world w;
  w.order(world::make_graph({"source -> keep -> sink"}, {{"keep", "test.table@1"}}));
  w.run();
  auto wider = world::make_graph({"source -> keep -> sink"}, {{"keep", "test.table@1"}});
  wider.operators[1].replicas = 3;
  w.order(wider);
  w.run();
  REQUIRE(w.outcomes().size() == 2);
  CHECK(w.outcomes()[1].outcome == refused);
  CHECK(w.outcomes()[1].reason.find("cannot go from 1 to 3 replicas") != std::string::npos);
  CHECK(w.outcomes()[1].reason.find("--drop-state keep") != std::string::npos);
  CHECK(!w.check());
}

TEST_CASE("one of several is not updated by itself") {
  world w;
  w.order(graph_of(2));
  w.run();
  w.order(std::vector<operator_update>{{"keep:0/2", "test.tally", 2}});
  w.run();
  REQUIRE(w.outcomes().size() == 2);
  CHECK(w.outcomes()[1].outcome == refused);
  CHECK(w.outcomes()[1].reason.find("one of the replicas of 'keep'") != std::string::npos);
}

TEST_CASE("a source has nothing to share") {
  auto g = graph_of(1);
  g.operators[0].replicas = 2;
  world w;
  w.order(g);
  w.run();
  REQUIRE(w.outcomes().size() == 1);
  CHECK(w.outcomes()[0].outcome == refused);
  CHECK(w.outcomes()[0].reason.find("operator 'source': it cannot have 2 replicas") !=
        std::string::npos);
}
