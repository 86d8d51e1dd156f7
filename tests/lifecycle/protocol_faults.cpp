// Transitions that fail: at each step, at each participant, started or struck at every message.

#include "protocol_world.hpp"

#include <doctest/doctest.h>

using namespace instar;
using namespace instar::test;

namespace {

using updates = std::vector<operator_update>;
using std::chrono::seconds;
constexpr auto committed = transition_outcome::committed;
const std::vector<std::string> line{"source -> a -> b -> c -> sink"};

/// Exchanges two operators with one between.
wanted_graph exchange() { return updates{{"a", "test.stage", 2}, {"c", "test.stage", 2}}; }

/// Adds x, removes b, replaces c and gives a another arc.
wanted_graph reshape() {
  return world::make_graph({"source -> a -> x -> c -> sink"},
                           {{"x", "test.stage@2"}, {"c", "test.stage@2"}});
}

struct fault {
  std::string name;
  std::function<wanted_graph()> change;
  std::function<void(world&)> arm;
  std::string reason; ///< part of what the outcome says
  bool until_deadline = false;
};

std::vector<fault> faults() {
  const std::string next = "test.stage@2";
  const auto construct = [=](int after) {
    return [=](world& w) {
      w.plot().throws_in_constructor = next;
      w.plot().constructor_throws_after = after;
    };
  };
  const auto save = [](const char* who) {
    return [=](world& w) { w.plot().throws_in_save = who; };
  };
  const auto restore = [](const char* who) {
    return [=](world& w) { w.plot().throws_in_restore = who; };
  };
  const auto claim = [](const char* who) {
    return [=](world& w) { w.plot().throws_in_claim = who; };
  };
  const auto wait = [](const char* who) { return [=](world& w) { w.plot().never_ready = who; }; };
  const auto load = [=](world& w) { w.plot().fails_to_load = next; };
  const auto slow_load = [=](world& w) {
    w.plot().loading = [&w, next](const std::string& reference) {
      if (reference == next) w.advance(seconds(3));
    };
  };
  const auto slow_construct = [=](world& w) {
    w.plot().building = [&w, next](const std::string& reference) {
      if (reference == next) w.advance(seconds(3));
    };
  };
  const std::string constructor =
      "(test.stage@2): its constructor threw: told to fail in the constructor";
  const std::string late = "the deadline has passed";
  return {
      {"first constructor", exchange, construct(0), constructor},
      {"second constructor", exchange, construct(1), constructor},
      {"constructor of an added one", reshape, construct(1), constructor},
      {"save of the first", exchange, save("a"),
       "operator 'a' (test.stage@1): saving its state failed"},
      {"save of the last", exchange, save("c"),
       "operator 'c' (test.stage@1): saving its state failed"},
      {"save while others are rewired", reshape, save("c"), "operator 'c' (test.stage@1): saving"},
      {"restore of the first", exchange, restore("a"),
       "operator 'a' (test.stage@2): restore failed"},
      {"restore of the last", exchange, restore("c"),
       "operator 'c' (test.stage@2): restore failed"},
      {"restore while others are rewired", reshape, restore("c"),
       "operator 'c' (test.stage@2): restore"},
      {"claim of those that are replaced", exchange, claim("test.stage@2"),
       "(test.stage@2): told to fail in claim"},
      {"claim of an added one", reshape, claim("x"),
       "operator 'x' (test.stage@2): told to fail in claim"},
      {"first never ready", exchange, wait("a"), "operator 'a' says not yet: it never is", true},
      {"last never ready", exchange, wait("c"), "operator 'c' says not yet: it never is", true},
      {"a removed one never ready", reshape, wait("b"), "operator 'b' says not yet: it never is",
       true},
      {"module fails to load", exchange, load,
       "operator 'a': module of test.stage@2: told to fail in loading"},
      {"module of an added one fails to load", reshape, load, "told to fail in loading"},
      {"module loads slowly", exchange, slow_load, late},
      {"constructor is slow", reshape, slow_construct, late},
  };
}

/// The old version serves with its state, and the next transition works.
void goes_on(world& w, const wanted_graph& change) {
  CHECK(w.check().value_or("") == "");
  w.plot().total += 10;
  w.order(updates{{"source", "test.source", 2}}); // whose start makes it emit the rest
  w.run();
  REQUIRE(w.outcomes().back().outcome == committed);
  CHECK(w.check().value_or("") == "");
  w.order(change);
  w.run();
  CHECK_MESSAGE(w.outcomes().back().outcome == committed, w.outcomes().back().reason);
  CHECK(w.check().value_or("") == "");
}

void ends(world& w) {
  const auto before = w.outcomes().size();
  w.stop();
  w.run();
  w.advance(seconds(6));
  w.run();
  REQUIRE(w.outcomes().size() == before + 1);
  CHECK(w.outcomes().back().outcome == committed);
  CHECK(w.check_ended().value_or("") == "");
}

/// Returns false when the run was over before the change was asked for.
bool survives(const fault& f, std::size_t at, std::optional<std::uint64_t> seed = {}) {
  world w;
  if (seed) w.shuffle(*seed);
  w.plot().total = 15;
  w.order(world::make_graph(line));
  std::size_t done = 0;
  while (done < at && w.step()) ++done;
  const bool reached = done == at;
  f.arm(w);
  w.order(f.change(), seconds(2));
  w.run();
  if (f.until_deadline) {
    CHECK(w.outcomes().size() == 1);
    w.advance(seconds(3));
    w.run();
  }
  REQUIRE(w.outcomes().size() == 2);
  CHECK(w.outcomes()[1].outcome != committed);
  CHECK_MESSAGE(w.outcomes()[1].reason.find(f.reason) != std::string::npos, w.outcomes()[1].reason);
  for (const auto& r : w.plot().sinks["sink"])
    for (const auto& met : r.met) CHECK(met.ends_with("@1"));
  auto& s = w.plot();
  s.throws_in_constructor = s.throws_in_save = s.throws_in_restore = s.throws_in_claim =
      s.never_ready = s.fails_to_load = "";
  s.loading = s.building = nullptr;
  goes_on(w, f.change());
  ends(w);
  return reached;
}

} // namespace

TEST_CASE("a transition that fails at any step leaves the old version serving with its state") {
  std::size_t schedules = 0;
  for (const auto& f : faults()) {
    CAPTURE(f.name);
    for (std::size_t at = 0;; ++at, ++schedules) {
      CAPTURE(at);
      if (!survives(f, at)) break;
    }
    std::mt19937_64 random(99);
    for (int round = 0; round < 60; ++round, ++schedules) {
      const auto seed = random();
      const std::size_t at = random() % 100;
      CAPTURE(seed);
      CAPTURE(at);
      survives(f, at, seed);
    }
  }
  MESSAGE(schedules << " schedules: every message boundary of " << faults().size()
                    << " faults, and random ones");
}

TEST_CASE("what the new version throws at first is dealt with by its declared strategy") {
  for (const auto strategy :
       {error_strategy::resume, error_strategy::restart, error_strategy::stop})
    for (std::size_t at = 30; at < 120; ++at) {
      CAPTURE(at);
      CAPTURE(static_cast<int>(strategy));
      world w;
      w.plot().total = 15;
      w.plot().throws_on_first_packet = "test.stage@2";
      auto g = world::make_graph(line);
      for (auto& op : g.operators) op.on_error.strategy = strategy;
      w.order(g);
      for (std::size_t i = 0; i < at; ++i) w.step();
      w.order(exchange());
      w.run();
      REQUIRE(w.outcomes().size() == 2);
      CHECK(w.outcomes()[1].outcome == committed);
      const bool threw = w.plot().throws_on_first_packet.empty();
      CHECK(w.plot().sinks["sink"].size() == w.plot().total - (threw ? 1 : 0));
      CHECK(w.stop_reasons.size() == (threw && strategy == error_strategy::stop ? 1 : 0));
      w.plot().throws_on_first_packet.clear();
      goes_on(w, updates{{"a", "test.stage", 1}, {"c", "test.stage", 1}});
      ends(w);
    }
}

namespace {

constexpr std::size_t old_runners = 5;

/// Kills one actor `after` messages after the change was asked for. Returns false when the
/// transition was over before.
bool strikes(const wanted_graph& change, std::size_t at, std::size_t victim, std::size_t after,
             std::optional<std::uint64_t> seed = {}) {
  world w;
  if (seed) w.shuffle(*seed);
  w.watch_runners();
  w.plot().total = 15;
  w.order(world::make_graph(line));
  for (std::size_t i = 0; i < at; ++i) w.step();
  w.order(change, seconds(2));
  for (std::size_t i = 0; i < after; ++i) w.step();
  const bool over = w.outcomes().size() > 1;
  if (victim >= w.runners() || !w.alive(victim)) {
    w.run();
    ends(w);
    return !over;
  }
  w.kill(victim);
  w.run();
  const bool lost_before = w.outcomes().size() < 2; // and before the transition began, that is
  w.advance(seconds(3));
  w.run();
  REQUIRE(w.outcomes().size() == 2);
  const auto outcome = w.outcomes()[1];
  CAPTURE(outcome.reason);
  if (lost_before) {
    CHECK(victim < old_runners);
    CHECK(w.stop_reasons.size() == 1);
    CHECK(outcome.reason.find("the deadline has passed") != std::string::npos);
  } else if (outcome.outcome != committed) {
    CHECK(outcome.reason.find("has died") != std::string::npos);
    CHECK(w.stop_reasons.empty() == (victim >= old_runners));
  }
  if (w.stop_reasons.empty()) {
    // Nothing was lost with it: either version goes on, complete.
    goes_on(w, outcome.outcome == committed ? wanted_graph(world::make_graph(line)) : change);
  } else {
    CHECK(w.stop_reasons[0].find("has died") != std::string::npos);
    CHECK(w.check(false).value_or("") == "");
  }
  ends(w);
  return !over;
}

} // namespace

TEST_CASE("no transition hangs when an actor is lost, and the loss is told") {
  std::size_t schedules = 0;
  for (const auto& change : {exchange(), reshape()})
    for (const std::size_t at : {40, 70})
      for (std::size_t victim = 0; victim < old_runners + 2; ++victim)
        for (std::size_t after = 0;; ++after, ++schedules) {
          CAPTURE(change.index());
          CAPTURE(at);
          CAPTURE(victim);
          CAPTURE(after);
          if (!strikes(change, at, victim, after)) break;
        }
  std::mt19937_64 random(4711);
  for (int round = 0; round < 1000; ++round, ++schedules) {
    const auto seed = random();
    const std::size_t at = 40 + random() % 40, victim = random() % (old_runners + 2);
    const std::size_t after = random() % 80;
    CAPTURE(seed);
    CAPTURE(at);
    CAPTURE(victim);
    CAPTURE(after);
    strikes(round % 2 ? exchange() : reshape(), at, victim, after, seed);
  }
  MESSAGE(schedules << " schedules: an actor lost at every message boundary of a transition");
}
