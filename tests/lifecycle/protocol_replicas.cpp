// The number of operators that share packets by their keys changes, at every message boundary of a
// run.

#include "protocol_world.hpp"

#include <doctest/doctest.h>

#include <functional>

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
      {{"key", "test.keyer@1"}, {"keep", "test.shard@" + std::to_string(version)}});
  for (auto& op : g.operators) {
    if (op.name == "keep") op.replicas = replicas;
    if (op.name == "key") op.replicas = before;
  }
  return g;
}

struct run {
  graph first = graph_of(1);
  std::vector<wanted_graph> orders;
  std::function<void(script&)> plot = {};
  std::function<void(const history_entry&)> outcome = {};
  bool waits = false; ///< for deadlines
};

/// Orders its changes after so many messages; returns whether that was before the end.
bool run_once(const run& r, std::size_t boundary, std::optional<std::uint64_t> seed = {}) {
  world w;
  w.plot().total = total;
  w.plot().keys = 25; // each has some items
  if (r.plot) r.plot(w.plot());
  w.order(r.first);
  if (seed) w.shuffle(*seed);
  bool within = true;
  for (std::size_t i = 0; i < boundary && within; ++i) within = w.step();
  const auto before = w.outcomes().size();
  for (const auto& one : r.orders) w.order(one);
  w.run();
  for (std::size_t i = 0; r.waits && i <= r.orders.size(); ++i) {
    w.advance(std::chrono::seconds(6));
    w.run();
  }
  REQUIRE(w.outcomes().size() == before + r.orders.size() + (before == 0));
  for (std::size_t i = before == 0 ? 1 : before; i < w.outcomes().size(); ++i) {
    const auto& entry = w.outcomes()[i];
    INFO(entry.reason);
    if (r.outcome) r.outcome(entry);
    else CHECK(entry.outcome == committed);
  }
  const auto wrong = w.check();
  CHECK_MESSAGE(!wrong, *wrong);
  CHECK(w.plot().sinks["sink"].size() == total);
  w.plot().never_ready.clear();
  w.stop();
  w.run();
  const auto left = w.check_ended();
  CHECK_MESSAGE(!left, *left);
  return within;
}

void run_at_every_point(const run& r) {
  std::size_t boundary = 0;
  for (; run_once(r, boundary); ++boundary) {
    INFO("at boundary ", boundary);
  }
  MESSAGE(boundary, " boundaries");
  CHECK(boundary > 100);
  for (std::uint64_t seed = 1; seed <= 100; ++seed) run_once(r, seed * 7 % boundary, seed);
}

} // namespace

TEST_CASE("from one to three, to two, and to one again") {
  run_at_every_point({.orders = {graph_of(3), graph_of(2), graph_of(1)}});
}

TEST_CASE("those before them are several, too") {
  // No key twice: items of one key that came by two ways have no order.
  run_at_every_point({.first = graph_of(2, 1, 2),
                      .orders = {graph_of(3, 1, 2), graph_of(2, 1, 2)},
                      .plot = [](script& s) { s.keys = 400; }});
}

TEST_CASE("all replicas of an operator become another version at once") {
  const std::vector<operator_update> forward{{"keep", "test.shard", 2}};
  run_at_every_point({.first = graph_of(3), .orders = {forward, graph_of(2, 2), graph_of(3, 1)}});
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
  run_at_every_point({.orders = {graph_of(3, 2)},
                      .plot =
                          [](script& s) {
                            s.preloaded = 30;
                            s.keys = 400;
                            s.throws_at_key = 30 * 7919 % s.keys;
                          },
                      .outcome =
                          [](const history_entry& e) {
                            if (e.outcome == committed) return; // it was not there yet
                            CHECK((e.outcome == refused || e.outcome == rolled_back));
                            CHECK(e.reason.find("told to fail on a key") != std::string::npos);
                          }});
}

TEST_CASE("an old replica that never is ready leaves all of them serving") {
  run_at_every_point({.first = graph_of(3),
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
  w.order(std::vector<operator_update>{{"keep:0/2", "test.shard", 2}});
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
