#include "lifecycle/policy.hpp"

#include "lifecycle/policy_state.hpp"
#include "policy_parts.hpp"

#include <capnp/message.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <new>
#include <optional>
#include <random>

using namespace instar;
using namespace instar::test;
using namespace std::chrono_literals;

namespace {

using std::chrono::nanoseconds;

/// Away above 100, home below 50; one metric.
texts both_ways(const texts& more = {}) {
  texts all{{"when", "queued(b) > 100"},
            {"for", "5s"},
            {"update", "b=t.b@2"},
            {"back_when", "queued(b) < 50"},
            {"back_update", "b=t.b@1"},
            {"cool_down", "30s"},
            {"per_hour", "12"},
            {"every", "1s"},
            {"window", "0s"}};
  for (const auto& one : more) {
    const auto same =
        std::find_if(all.begin(), all.end(), [&](const auto& a) { return a.first == one.first; });
    if (same == all.end()) all.push_back(one);
    else same->second = one.second;
  }
  return all;
}

history_entry entry_of(transition_outcome outcome, std::string reason = {}) {
  history_entry e;
  e.id = 7;
  e.epoch = 3;
  e.outcome = outcome;
  e.reason = std::move(reason);
  return e;
}

/// A policy, its service, and the time.
struct stage {
  explicit stage(const texts& settings) : rule(policy_rule_of(settings)), p(rule) {}

  /// One look. What it asks for gets its outcome at once.
  std::optional<policy::request> look(double level,
                                      transition_outcome outcome = transition_outcome::committed) {
    now += rule.every;
    auto asked = p.look(now, {level_of(level)}, {place, {}});
    if (!asked) return asked;
    asks.push_back(now);
    if (outcome == transition_outcome::committed) {
      place = asked->to;
      changes.push_back(now);
    }
    p.on_outcome(now, entry_of(outcome, "because"));
    return asked;
  }

  /// So long the same level; how often it asked.
  std::size_t run(nanoseconds time, double level,
                  transition_outcome outcome = transition_outcome::committed) {
    const auto before = asks.size();
    for (const auto end = now + time; now < end;) look(level, outcome);
    return asks.size() - before;
  }

  std::string state() const { return p.status(now, {}).state; }

  policy_rule rule;
  policy p;
  policy::time_point now{1000h};
  policy_place place = policy_place::home;
  std::vector<policy::time_point> asks, changes;
};

/// The most within any hour, and the least time between two.
struct density {
  std::size_t most = 0;
  nanoseconds closest = nanoseconds::max();
};
density density_of(const std::vector<policy::time_point>& times) {
  density made;
  for (std::size_t i = 0; i < times.size(); ++i) {
    const auto within = std::count_if(times.begin(), times.end(),
                                      [&](auto t) { return t <= times[i] && times[i] - t < 1h; });
    made.most = std::max(made.most, static_cast<std::size_t>(within));
    if (i > 0) made.closest = std::min(made.closest, nanoseconds(times[i] - times[i - 1]));
  }
  return made;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != text.npos;
}

} // namespace

TEST_CASE("a policy asks once its condition has held for long enough, and says why") {
  stage s(both_ways());
  CHECK(s.run(1min, 80) == 0);
  CHECK(s.run(5s, 200) == 0); // the first of them begins it
  const auto asked = s.look(200);
  REQUIRE(asked);
  CHECK(asked->to == policy_place::there);
  REQUIRE(asked->action.updates.size() == 1);
  CHECK(asked->action.updates[0].version == 2);
  CHECK(asked->cause == "queued(b) is 200 (> 100) for 5 s");

  const auto told = s.p.status(s.now, std::chrono::system_clock::time_point(1000s));
  CHECK(told.place == "there");
  CHECK(told.rule == "queued(b) < 50");
  CHECK(told.asks == "update b=t.b@1");
  CHECK(told.changes == 1);
  REQUIRE(told.events.size() == 1);
  CHECK(told.events[0].kind == "there");
  CHECK(told.events[0].asked == "update b=t.b@2");
  CHECK(told.events[0].cause == asked->cause);
  CHECK(told.events[0].outcome == "committed");
  CHECK(told.events[0].transition == 7);
  CHECK(told.events[0].epoch == 3);
  CHECK(told.events[0].when == std::chrono::system_clock::time_point(1000s));
}

TEST_CASE("between the two thresholds it stays where it is") {
  stage s(both_ways());
  s.run(10s, 200);
  REQUIRE(s.place == policy_place::there);
  CHECK(s.run(2h, 75) == 0);
  CHECK(s.run(1min, 40) == 1);
  CHECK(s.place == policy_place::home);
  CHECK(s.run(2h, 75) == 0);
}

TEST_CASE("one look at which the condition does not hold begins its time anew") {
  stage s(both_ways());
  for (int i = 0; i < 1000; ++i) {
    CHECK(s.run(5s, 1000) == 0);
    CHECK(s.run(1s, 99) == 0);
  }
  CHECK(s.run(6s, 1000) == 1);
}

TEST_CASE("a load that oscillates faster than `for` moves nothing, whatever its form") {
  for (const double period : {2.0, 3.0, 5.0, 7.0, 9.5}) // seconds; each half is shorter than 5 s
    for (const bool square : {true, false}) {
      CAPTURE(period);
      CAPTURE(square);
      stage s(both_ways({{"every", "100ms"}}));
      for (double t = 0; t < 3600; t += 0.1) {
        const double wave = std::sin(2 * 3.14159265 * t / period);
        s.look(square ? (wave > 0 ? 1000 : 0) : 75 + 75 * wave);
      }
      CHECK(s.asks.empty());
    }
}

TEST_CASE("a mean over the window does not see what is shorter") {
  stage s(both_ways({{"every", "100ms"}, {"window", "10s"}, {"for", "0s"}, {"back_for", "0s"}}));
  for (int i = 0; i < 36000; ++i) s.look(i % 20 < 10 ? 150 : 0); // mean 75
  CHECK(s.asks.empty());
}

TEST_CASE("a load that oscillates slower moves it no oftener than cool-down and hour allow") {
  for (const nanoseconds period : {12s, 20s, 60s, 61s, 200s, 1000s}) {
    CAPTURE(period.count());
    stage s(both_ways());
    for (int i = 0; i < 200; ++i) {
      s.run(period / 2, 1000);
      s.run(period / 2, 0);
    }
    const auto found = density_of(s.changes);
    CHECK(!s.changes.empty());
    CHECK(found.most <= 12);
    CHECK(found.closest >= 30s);
    s.run(1min, 0);
    CHECK(s.place == policy_place::home); // it never has to stay away
  }
}

TEST_CASE("whatever the load, the outcomes and the rule are, the limits hold") {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    const auto one_of = [&](auto... values) {
      const std::string all[] = {values...};
      return all[random() % sizeof...(values)];
    };
    stage s(both_ways({{"for", one_of("0s", "3s", "20s")},
                       {"back_for", one_of("0s", "3s", "20s")},
                       {"cool_down", one_of("0s", "2s", "1min", "20min")},
                       {"per_hour", one_of("2", "3", "7", "60")},
                       {"window", one_of("0s", "5s", "1min")}}));
    double level = 75;
    while (s.now < policy::time_point(1000h) + 6h) {
      if (random() % 8 == 0) level = static_cast<double>(random() % 200);
      const auto outcome = random() % 4   ? transition_outcome::committed
                           : random() % 2 ? transition_outcome::refused
                                          : transition_outcome::rolled_back;
      s.look(level, outcome);
      if (random() % 500 == 0) { // an update of itself
        const auto memory = s.p.save(s.now);
        s.p.~policy();
        new (&s.p) policy(s.rule);
        s.p.restore(s.now, memory);
      }
    }
    const auto found = density_of(s.changes);
    CHECK(!s.changes.empty());
    CHECK(found.most <= s.rule.per_hour);
    CHECK(found.closest >= s.rule.cool_down);
    // The last change of an hour leads home, so that nobody has to stay away.
    s.run(2h, 0);
    CHECK(s.place == policy_place::home);
  }
}

TEST_CASE("it keeps one change of the hour for the way back") {
  stage s(both_ways({{"per_hour", "3"}, {"cool_down", "0s"}}));
  for (int i = 0; i < 60; ++i) {
    s.run(20s, 1000);
    s.run(20s, 0);
  }
  CHECK(s.changes.size() == 2); // a third one would not leave any
  CHECK(s.place == policy_place::home);
  s.run(10s, 1000);
  CHECK(contains(s.state(), "2 changes were made within an hour of 3 allowed"));
  CHECK(s.run(1h, 1000) == 1);
}

TEST_CASE("refusals and rollbacks back off, and a change ends that") {
  for (const auto outcome : {transition_outcome::refused, transition_outcome::rolled_back}) {
    stage s(both_ways({{"for", "0s"}, {"cool_down", "10s"}}));
    s.run(12h, 1000, outcome);
    REQUIRE(s.asks.size() > 10);
    nanoseconds wait = 10s;
    for (std::size_t i = 1; i < s.asks.size(); ++i) {
      CHECK(s.asks[i] - s.asks[i - 1] >= wait);
      CHECK(s.asks[i] - s.asks[i - 1] <= wait + 2s);
      wait = std::min<nanoseconds>(2 * wait, 1h);
    }
    CHECK(s.p.status(s.now, {}).refusals == s.asks.size());
    CHECK(contains(s.state(), "times, asks again in "));
    const auto last = s.p.status(s.now, {}).events.back();
    CHECK(last.outcome == to_string(outcome));
    CHECK(last.reason == "because");
    s.run(2h, 1000);
    CHECK(s.place == policy_place::there);
    CHECK(s.p.status(s.now, {}).refusals == 0);
    CHECK(s.changes.size() == 1);
  }
}

TEST_CASE("while what it asked for is on its way it asks for nothing else") {
  stage s(both_ways({{"for", "0s"}}));
  s.now += 1s;
  CHECK_FALSE(s.p.look(s.now, {level_of(200)}, {policy_place::home, {}}));
  s.now += 1s;
  REQUIRE(s.p.look(s.now, {level_of(200)}, {policy_place::home, {}}));
  for (int i = 0; i < 10'000; ++i) {
    s.now += 1s;
    CHECK_FALSE(s.p.look(s.now, {level_of(i % 2 ? 200 : 0)}, {policy_place::home, {}}));
  }
  CHECK(s.p.waits_for_outcome());
  s.p.withdraw("no");
  CHECK_FALSE(s.p.waits_for_outcome());
  CHECK(s.p.status(s.now, {}).events.back().outcome == "withdrawn");
  CHECK(s.run(3s, 200) == 1);
}

TEST_CASE("paused it measures and asks for nothing; resumed, its time begins anew") {
  stage s(both_ways());
  s.run(4s, 200);
  s.p.pause(s.now, true, "bob(3)");
  CHECK(s.run(3h, 200) == 0);
  CHECK(s.state() == "paused by bob(3)");
  CHECK(s.p.status(s.now, {}).measures.at(0).value == 200);
  s.p.pause(s.now, false, "alice(4)");
  CHECK(s.run(5s, 200) == 0);
  CHECK(s.run(1s, 200) == 1);
  const auto events = s.p.status(s.now, {}).events;
  REQUIRE(events.size() == 3);
  CHECK(events[0].kind == "paused");
  CHECK(events[0].cause == "by bob(3)");
  CHECK(events[1].kind == "resumed");
  CHECK(events[1].cause == "by alice(4)");
}

TEST_CASE("somebody else's change begins the cool-down, and where neither side runs it waits") {
  stage s(both_ways({{"cool_down", "10min"}}));
  s.run(3s, 0);
  s.place = policy_place::there;
  CHECK(s.run(9min, 0) == 0);
  CHECK(contains(s.state(), "cool-down"));
  CHECK(s.p.status(s.now, {}).events.at(0).kind == "changed");
  CHECK(s.p.status(s.now, {}).changes == 0); // they are not its own
  CHECK(s.run(2min, 0) == 1);
  s.place = policy_place::elsewhere;
  CHECK(s.run(2h, 1000) == 0);
  CHECK(s.run(2h, 0) == 0);
  CHECK(s.state() == "neither side of it runs");
}

TEST_CASE("after a change it measures anew") {
  stage s(both_ways({{"when", "queued(b) > 1000"},
                     {"back_when", "queued(b) < 950"},
                     {"window", "20s"},
                     {"cool_down", "0s"},
                     {"for", "0s"},
                     {"back_for", "0s"}}));
  for (int i = 0; i < 100 && s.place == policy_place::home; ++i) s.look(1100);
  REQUIRE(s.place == policy_place::there);
  const auto changed = s.changes.back();
  s.run(1min, 0);
  REQUIRE(s.changes.size() == 2);
  // A mean over what was before as well would be below 950 within four seconds.
  CHECK(s.changes.back() - changed >= 20s);
}

TEST_CASE("without values it asks for nothing and tells why, once") {
  stage s(both_ways());
  metric_reading none;
  none.missing = "operator 'b' is away";
  std::size_t told = 0;
  for (int i = 0; i < 100; ++i) {
    s.now += 1s;
    CHECK_FALSE(s.p.look(s.now, {none}, {policy_place::home, {}}));
    if (const auto trouble = s.p.take_trouble()) {
      ++told;
      CHECK(*trouble == "queued(b): operator 'b' is away");
    }
  }
  CHECK(told == 1);
  CHECK(s.state() == "no value of queued(b): operator 'b' is away");
}

TEST_CASE("a policy without a way back stays there") {
  stage s({{"when", "queued(b) > 100"}, {"for", "0s"}, {"update", "b=t.b@2"}, {"every", "1s"}});
  s.run(10s, 200);
  CHECK(s.changes.size() == 1);
  CHECK(s.run(5h, 0) == 0);
  CHECK(contains(s.state(), "no way back"));
}

// -- state ----------------------------------------------------------------------------------------

namespace {

policy_memory back(const policy_memory& memory) {
  capnp::MallocMessageBuilder message;
  write(memory, message.initRoot<wire::PolicyState>());
  return read(message.getRoot<wire::PolicyState>().asReader());
}

} // namespace

TEST_CASE("what it remembers comes back as it was saved") {
  stage s(both_ways({{"per_hour", "5"}}));
  for (int i = 0; i < 3; ++i) {
    s.run(1min, 1000);
    s.run(1min, 0);
  }
  s.run(3min, 1000, transition_outcome::refused);
  s.p.pause(s.now, true, "bob(3)");
  s.now += 2s;
  const auto saved = s.p.save(s.now);
  CHECK(saved.paused);
  CHECK(saved.changes.size() >= 2);
  const auto got = back(saved);
  CHECK(got.paused == saved.paused);
  CHECK(got.paused_by == saved.paused_by);
  CHECK(got.paused_setting == saved.paused_setting);
  CHECK(got.changes == saved.changes);
  CHECK(got.changed == saved.changed);
  CHECK(got.refusals == saved.refusals);
  CHECK(got.retry_in == saved.retry_in);
  CHECK(got.asked == saved.asked);
  REQUIRE(got.events.size() == saved.events.size());
  for (std::size_t i = 0; i < got.events.size(); ++i) {
    CHECK(got.events[i].age == saved.events[i].age);
    CHECK(got.events[i].what.kind == saved.events[i].what.kind);
    CHECK(got.events[i].what.asked == saved.events[i].what.asked);
    CHECK(got.events[i].what.cause == saved.events[i].what.cause);
    CHECK(got.events[i].what.outcome == saved.events[i].what.outcome);
    CHECK(got.events[i].what.reason == saved.events[i].what.reason);
    CHECK(got.events[i].what.transition == saved.events[i].what.transition);
    CHECK(got.events[i].what.epoch == saved.events[i].what.epoch);
  }
}

TEST_CASE("a successor keeps cool-down, hour, back-off, pause and what is on its way") {
  stage s(both_ways({{"for", "0s"}, {"back_for", "0s"}, {"cool_down", "10min"}}));
  s.run(3s, 1000);
  REQUIRE(s.place == policy_place::there);
  const auto changed = s.changes.back();
  const auto successor = [&](const texts& more, nanoseconds later = 0s) {
    auto memory = back(s.p.save(s.now));
    grow_older(memory, later);
    stage next(both_ways(more));
    next.now = s.now + later;
    next.place = s.place;
    next.p.restore(next.now, memory);
    return next;
  };
  auto next = successor({{"for", "0s"}, {"back_for", "0s"}, {"cool_down", "5min"}});
  next.run(20min, 0);
  REQUIRE(next.changes.size() == 1);
  CHECK(next.changes[0] - changed >= 5min);
  CHECK(next.changes[0] - changed <= 5min + 3s);
  CHECK(next.p.status(next.now, {}).changes == 2);

  auto later = successor({{"back_for", "0s"}}, 59min); // from a checkpoint
  CHECK(later.p.status(later.now, {}).changes == 1);
  later.run(2min, 75);
  CHECK(later.p.status(later.now, {}).changes == 0);

  s.p.pause(s.now, true, "bob(3)");
  auto paused = successor({});
  CHECK(paused.p.paused());
  CHECK(paused.run(5h, 0) == 0);
  CHECK(paused.state() == "paused by bob(3)");
}

TEST_CASE("an outcome that comes to the successor counts there") {
  stage s(both_ways({{"for", "0s"}}));
  s.now += 1s;
  s.p.look(s.now, {level_of(200)}, {policy_place::home, {}});
  s.now += 1s;
  REQUIRE(s.p.look(s.now, {level_of(200)}, {policy_place::home, {}}));
  stage next(both_ways({{"for", "0s"}}));
  next.now = s.now;
  next.p.restore(next.now, back(s.p.save(s.now)));
  CHECK(next.p.waits_for_outcome());
  next.p.on_outcome(next.now, entry_of(transition_outcome::committed));
  const auto told = next.p.status(next.now, {});
  CHECK(told.place == "there");
  CHECK(told.changes == 1);
  REQUIRE(told.events.size() == 1);
  CHECK(told.events[0].outcome == "committed");
}

TEST_CASE("the setting that it is paused counts when it changes") {
  stage s(both_ways({{"paused", "true"}}));
  CHECK(s.run(1h, 1000) == 0);
  s.p.pause(s.now, false, "bob(3)");
  const auto after = [&](const char* setting) {
    policy next(policy_rule_of(both_ways({{"paused", setting}})));
    next.restore(s.now, back(s.p.save(s.now)));
    return next.paused();
  };
  CHECK_FALSE(after("true")); // as it was: what bob said holds
  CHECK_FALSE(after("false"));
  stage running(both_ways());
  policy next(policy_rule_of(both_ways({{"paused", "true"}})));
  next.restore(running.now, back(running.p.save(running.now)));
  CHECK(next.paused());
}

TEST_CASE("saved state that makes no sense does no harm") {
  capnp::MallocMessageBuilder message;
  auto state = message.initRoot<wire::PolicyState>();
  state.setChangedNs(std::numeric_limits<std::int64_t>::max());
  state.setRetryInNs(std::numeric_limits<std::int64_t>::max());
  state.setRefusals(~0u);
  auto changes = state.initChangesNs(3);
  changes.set(0, -5);
  changes.set(1, std::numeric_limits<std::int64_t>::min());
  changes.set(2, std::numeric_limits<std::int64_t>::max());
  state.initEvents(1)[0].setAgeNs(std::numeric_limits<std::int64_t>::min());
  auto memory = read(state.asReader());
  grow_older(memory, nanoseconds::max());
  grow_older(memory, nanoseconds::min());
  stage s(both_ways());
  s.p.restore(s.now, memory);
  s.run(3h, 1000);
  CHECK(s.place == policy_place::there);
}
