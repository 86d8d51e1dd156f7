#include "protocol_world.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <set>

using namespace instar;
using namespace instar::test;

namespace {

using updates = std::vector<operator_update>;
using chains = std::vector<std::string>;
using policy = feedback_policy;

constexpr std::uint64_t total = 8;

/// The tail decides: items come back to `head` from `turn`.
const chains tail_turns{"source -> head -> mid -> turn -> sink", "turn.again ~> head"};
/// The head decides: items come back to `turn` from `mid`.
const chains head_turns{"source -> turn -> sink", "turn.again -> mid ~> turn"};
/// Items of a second source come in between head and tail.
const chains entrance{"source -> head -> mid -> turn -> sink", "turn.again ~> head",
                      "source2 -> side -> mid"};
/// The same, and the head may let out all that comes back.
const chains early_exit{"source -> turn -> sink", "turn.again -> mid -> tail ~> turn",
                        "source2 -> side -> mid"};
/// Two ask the same one: each loop is an entrance of the other.
const chains two_askers{"source_l -> turn_l -> sink", "source_r -> turn_r -> sink",
                        "turn_l.again -> answer.left ~> turn_l",
                        "turn_r.again -> answer.right ~> turn_r"};
/// A loop within a loop.
const chains nested{"source -> head -> mid -> turn_in -> mid2 -> turn_out -> sink",
                    "turn_in.again ~> mid", "turn_out.again ~> head"};
/// Two loops one after the other.
const chains in_a_row{"source -> head -> turn -> between -> head2 -> turn2 -> sink",
                      "turn.again ~> head", "turn2.again ~> head2"};
/// An operator that is its own loop.
const chains by_itself{"source -> turn -> sink", "turn.again ~> turn"};

struct scenario {
  const char* name;
  chains before;
  std::vector<std::string> changed; ///< to version 2, as one atomic set
  std::size_t sources = 1;
};

std::vector<scenario> scenarios() {
  return {
      {"the head", tail_turns, {"head"}},
      {"the tail", tail_turns, {"turn"}},
      {"both ends", tail_turns, {"head", "turn"}},
      {"what is between", tail_turns, {"mid"}},
      {"everything", tail_turns, {"source", "head", "mid", "turn", "sink"}},
      {"the head that decides", head_turns, {"turn"}},
      {"the tail that does not", head_turns, {"mid"}},
      {"both ends, the head decides", head_turns, {"turn", "mid"}},
      {"the head, with an entrance", entrance, {"head"}, 2},
      {"both ends, with an entrance", entrance, {"head", "turn"}, 2},
      {"before and in the loop, with an entrance", entrance, {"side", "mid"}, 2},
      {"both ends, with an entrance between", early_exit, {"turn", "tail"}, 2},
      {"one asker", two_askers, {"turn_l"}, 2},
      {"the one that is asked", two_askers, {"answer"}, 2},
      {"all who ask and are asked", two_askers, {"turn_l", "turn_r", "answer"}, 2},
      {"the outer head", nested, {"head"}},
      {"the inner head", nested, {"mid"}},
      {"the tails", nested, {"turn_in", "turn_out"}},
      {"a member of the outer loop only", nested, {"mid2"}},
      {"one in each of two loops", in_a_row, {"head", "turn2"}},
      {"an operator that is its own loop", by_itself, {"turn"}},
  };
}

std::string type_of(const std::string& name, int version) {
  const auto* type = name.starts_with("source") ? "test.source"
                     : name.starts_with("sink") ? "test.sink"
                     : name.starts_with("turn") ? "test.turn"
                     : name.starts_with("answ") ? "test.answer"
                                                : "test.stage";
  return std::string(type) + "@" + std::to_string(version);
}

updates to_version(const std::vector<std::string>& names, std::uint32_t version) {
  updates list;
  for (const auto& name : names) {
    const auto type = type_of(name, 1);
    list.push_back({name, type.substr(0, type.find('@')), version});
  }
  return list;
}

/// Runs until there are so many outcomes and nothing is left to do; the clock moves only when
/// nothing else does, since the head of a loop that is emptied looks at it by the clock.
void run_until(world& w, std::size_t outcomes) {
  w.run();
  for (int tick = 0; w.outcomes().size() < outcomes && tick < 6'000; ++tick) {
    w.advance(std::chrono::milliseconds(1));
    w.run();
  }
  REQUIRE(w.outcomes().size() == outcomes);
}

struct run_setup {
  std::optional<std::uint64_t> seed;
  policy feedback = policy::hand_over;
  std::size_t capacity = 4;
  std::size_t activation_limit = 1;
};

/// Starts `before`, asks for `change` after `at` messages, runs to the end and checks. Returns
/// false when the run was over before.
bool run_with_change_at(const chains& before, const wanted_graph& change,
                        const std::vector<std::string>& atomic, std::size_t sources, std::size_t at,
                        const run_setup& setup) {
  world w(setup.activation_limit);
  if (setup.seed) w.shuffle(*setup.seed);
  w.plot().total = total;
  w.order(world::make_graph(before, {}, setup.capacity, setup.feedback));
  std::size_t done = 0;
  while (done < at && w.step()) ++done;
  const bool reached = done == at;
  w.order(change);
  run_until(w, 2);
  CHECK_MESSAGE(w.outcomes()[1].outcome == transition_outcome::committed, w.outcomes()[1].reason);
  CHECK(check_arrived(w.plot(), sources) == "");
  if (setup.feedback == policy::drain) CHECK(check_versions(w.plot(), atomic).value_or("") == "");
  w.stop();
  run_until(w, 3);
  CHECK(w.outcomes().back().outcome == transition_outcome::committed);
  CHECK(w.outcomes().back().reason == "");
  CHECK(w.plot().instances == 0);
  return reached;
}

void at_every_message(const chains& before, const wanted_graph& change,
                      const std::vector<std::string>& atomic, std::size_t sources,
                      const run_setup& setup, std::size_t& schedules) {
  for (std::size_t at = 0;; ++at) {
    CAPTURE(at);
    ++schedules;
    if (!run_with_change_at(before, change, atomic, sources, at, setup)) return;
  }
}

run_setup random_setup(std::mt19937_64& random, policy feedback) {
  constexpr std::size_t capacities[] = {1, 2, 4};
  constexpr std::size_t limits[] = {1, 3, 256};
  return {random(), feedback, capacities[random() % 3], limits[random() % 3]};
}

/// Changes of the graph's shape, to be made while items are in the loop.
struct reshaping {
  const char* name;
  chains before, after;
  std::map<std::string, std::string> types; ///< after
};

std::vector<reshaping> reshapings() {
  const std::map<std::string, std::string> straight{{"turn", "test.stage@1"}};
  return {
      {"the feedback arc goes", tail_turns, {"source -> head -> mid -> turn -> sink"}, straight},
      {"the feedback arc goes, with an entrance",
       entrance,
       {"source -> head -> mid -> turn -> sink", "source2 -> side -> mid"},
       straight},
      {"an operator comes into the loop",
       tail_turns,
       {"source -> head -> mid -> more -> turn -> sink", "turn.again ~> head"},
       {}},
      {"an operator comes before the head",
       tail_turns,
       {"source -> head -> mid -> turn -> sink", "turn.again -> more ~> head"},
       {}},
      {"an operator goes out of the loop",
       tail_turns,
       {"source -> head -> turn -> sink", "turn.again ~> head"},
       {}},
      {"the head goes", tail_turns, {"source -> mid -> turn -> sink", "turn.again ~> mid"}, {}},
      {"the loop gets another head",
       tail_turns,
       {"source -> head -> mid -> turn -> sink", "turn.again ~> mid"},
       {}},
      {"the loop gets another tail",
       head_turns,
       {"source -> turn -> sink", "turn.again -> mid -> last ~> turn"},
       {}},
      {"the whole loop goes", head_turns, {"source -> sink"}, {}},
      {"the inner loop goes",
       nested,
       {"source -> head -> mid -> turn_in -> mid2 -> turn_out -> sink", "turn_out.again ~> head"},
       {{"turn_in", "test.stage@1"}}},
      {"the outer loop goes",
       nested,
       {"source -> head -> mid -> turn_in -> mid2 -> turn_out -> sink", "turn_in.again ~> mid"},
       {{"turn_out", "test.stage@1"}}},
      {"one who asks goes",
       two_askers,
       {"source_l -> turn_l -> sink", "source_r -> sink", "turn_l.again -> answer.left ~> turn_l"},
       {}},
  };
}

} // namespace

TEST_CASE("loops of every kind run dry, whatever the credit and the schedule") {
  std::mt19937_64 random(7001);
  for (const auto& before :
       {tail_turns, head_turns, entrance, early_exit, two_askers, nested, in_a_row, by_itself}) {
    CAPTURE(before.front());
    for (int round = 0; round < 40; ++round) {
      const auto setup = random_setup(random, policy::hand_over);
      world w(setup.activation_limit);
      w.shuffle(*setup.seed);
      w.plot().total = 60;
      w.plot().per_event = 1 + random() % 20;
      w.order(world::make_graph(before, {}, setup.capacity));
      w.run();
      const bool two = before.back().starts_with("source2") || before == two_askers;
      CHECK(check_arrived(w.plot(), two ? 2 : 1) == "");
    }
  }
  CHECK(item::alive == 0);
}

TEST_CASE("no item is lost, doubled or overtaken by an update of a loop started at any message") {
  std::size_t schedules = 0;
  for (const auto feedback : {policy::hand_over, policy::drain}) {
    CAPTURE(std::string(to_string(feedback)));
    for (const auto& s : scenarios()) {
      CAPTURE(std::string(s.name));
      at_every_message(s.before, to_version(s.changed, 2), s.changed, s.sources, {{}, feedback, 2},
                       schedules);
    }
  }
  MESSAGE(schedules << " schedules, one for each message boundary of each scenario");
  CHECK(item::alive == 0);
}

TEST_CASE("updates of loops under random schedules, credits and activation limits") {
  std::mt19937_64 random(7002);
  std::size_t schedules = 0;
  for (const auto feedback : {policy::hand_over, policy::drain}) {
    CAPTURE(std::string(to_string(feedback)));
    for (const auto& s : scenarios()) {
      CAPTURE(std::string(s.name));
      for (int round = 0; round < 60; ++round) {
        const auto setup = random_setup(random, feedback);
        const auto at = random() % 400;
        CAPTURE(*setup.seed);
        CAPTURE(at);
        run_with_change_at(s.before, to_version(s.changed, 2), s.changed, s.sources, at, setup);
        ++schedules;
      }
    }
  }
  MESSAGE(schedules << " random schedules");
  CHECK(item::alive == 0);
}

TEST_CASE("arcs and operators of a loop come and go without losing what is in it") {
  std::mt19937_64 random(7003);
  std::size_t schedules = 0;
  for (const auto feedback : {policy::hand_over, policy::drain}) {
    CAPTURE(std::string(to_string(feedback)));
    for (const auto& r : reshapings()) {
      CAPTURE(std::string(r.name));
      const bool two = r.before == entrance || r.before == two_askers;
      const auto after = world::make_graph(r.after, r.types, 2, feedback);
      at_every_message(r.before, after, {}, two ? 2 : 1, {{}, feedback, 2}, schedules);
      for (int round = 0; round < 40; ++round) {
        const auto setup = random_setup(random, feedback);
        const auto at = random() % 400;
        CAPTURE(*setup.seed);
        CAPTURE(at);
        run_with_change_at(r.before, world::make_graph(r.after, r.types, setup.capacity, feedback),
                           {}, two ? 2 : 1, at, setup);
        ++schedules;
      }
    }
  }
  MESSAGE(schedules << " schedules");
  CHECK(item::alive == 0);
}

TEST_CASE("the policy and the credit of a feedback arc change while items are in its loop") {
  std::size_t schedules = 0;
  at_every_message(tail_turns, world::make_graph(tail_turns, {}, 2, policy::drain), {}, 1,
                   {{}, policy::hand_over, 2}, schedules);
  at_every_message(tail_turns, world::make_graph(tail_turns, {}, 2, policy::hand_over), {}, 1,
                   {{}, policy::drain, 2}, schedules);
  at_every_message(tail_turns, world::make_graph(tail_turns, {}, 1, policy::hand_over), {}, 1,
                   {{}, policy::hand_over, 3}, schedules);
}

TEST_CASE("an update of a loop that fails at any step leaves the old version serving") {
  const std::vector<std::pair<const char*, std::function<void(script&, const std::string&, int)>>>
      faults{
          {"constructor", [](script& s, const std::string& name,
                             int to) { s.throws_in_constructor = type_of(name, to); }},
          {"restore", [](script& s, const std::string& name,
                         int to) { s.throws_in_restore = type_of(name, to); }},
          {"save",
           [](script& s, const std::string& name, int) { s.throws_in_save = type_of(name, 1); }},
      };
  std::mt19937_64 random(7004);
  for (const auto feedback : {policy::hand_over, policy::drain}) {
    CAPTURE(std::string(to_string(feedback)));
    for (const auto& s : scenarios()) {
      CAPTURE(std::string(s.name));
      for (const auto& [where, fault] : faults) {
        const std::string place(where);
        CAPTURE(place);
        for (int round = 0; round < 25; ++round) {
          const auto setup = random_setup(random, feedback);
          const auto at = 50 + random() % 300;
          CAPTURE(*setup.seed);
          CAPTURE(at);
          world w(setup.activation_limit);
          w.shuffle(*setup.seed);
          w.plot().total = total;
          fault(w.plot(), s.changed[random() % s.changed.size()], 2);
          w.order(world::make_graph(s.before, {}, setup.capacity, feedback));
          for (std::size_t i = 0; i < at; ++i) w.step();
          w.order(to_version(s.changed, 2));
          run_until(w, 2);
          const auto failed = w.outcomes()[1];
          CHECK(failed.outcome != transition_outcome::committed);
          CHECK(failed.reason.find("told to fail in") != std::string::npos);
          CHECK(check_arrived(w.plot(), s.sources) == "");
          for (const auto& r : w.plot().sinks["sink"])
            for (const auto& met : r.met) CHECK(met.ends_with("@1"));

          w.plot().throws_in_constructor = w.plot().throws_in_restore = "";
          w.plot().throws_in_save = "";
          w.order(to_version(s.changed, 2));
          run_until(w, 3);
          CHECK(w.outcomes().back().outcome == transition_outcome::committed);
          w.stop();
          run_until(w, 4);
          CHECK(w.plot().instances == 0);
        }
      }
    }
  }
  CHECK(item::alive == 0);
}

TEST_CASE("what comes into a loop between head and tail is held back while it is emptied") {
  std::mt19937_64 random(7006);
  std::size_t under_way = 0;
  for (int round = 0; round < 200; ++round) {
    const auto setup = random_setup(random, policy::drain);
    CAPTURE(*setup.seed);
    world w(setup.activation_limit);
    w.shuffle(*setup.seed);
    w.plot().total = 60;
    w.plot().rounds = 2;
    w.order(world::make_graph(entrance, {}, setup.capacity, policy::drain));
    for (auto steps = 50 + random() % 200; steps > 0; --steps) w.step();
    w.order(to_version({"head", "turn"}, 2));
    // A step of everybody, a step of the clock: the head looks while the sources are at work.
    for (int i = 0; i < 50'000 && w.outcomes().size() < 2; ++i) {
      w.step();
      if (i % 20 == 0) w.advance(std::chrono::milliseconds(1));
    }
    REQUIRE(w.outcomes().size() == 2);
    CHECK(w.outcomes()[1].outcome == transition_outcome::committed);
    under_way += w.plot().sinks["sink"].size() < 110;
    w.run();
    CHECK(check_arrived(w.plot(), 2) == "");
    CHECK(check_versions(w.plot(), {"head", "turn"}).value_or("") == "");
  }
  CHECK(under_way > 100);
}

namespace {

/// Updates in and beside loops that have to come to their cuts although somebody in the loop holds
/// packets back.
struct dependence {
  const char* name;
  chains before;
  std::vector<std::string> changed;
  std::vector<std::string> then = {}; ///< changed as soon as that has an outcome
};

std::vector<dependence> dependences() {
  return {
      {"a marker from outside comes after the one from within",
       {"source -> head -> turn -> sink", "source -> turn", "turn.again -> back ~> head",
        "turn.again -> x"},
       {"x"}},
      {"a source has no credit into the loop while another waits in it",
       {"source -> a -> turn1", "turn1.again ~> back", "source3 -> turn2", "turn2.again -> back",
        "back ~> turn2", "back -> turn3 -> sink", "turn3.again ~> back", "turn3.again -> a"},
       {"source", "turn3"}},
      {"one that closes the loop leads to nothing that changes",
       {"source -> head -> a -> turn -> sink", "turn.again ~> head",
        "head -> b1 -> b2 -> b3 -> b4 -> b5 -> b6 -> turn", "source2 -> b6"},
       {"a"},
       {"b6"}},
  };
}

} // namespace

TEST_CASE("no cut waits for what an operator of a loop holds back, on any schedule") {
  std::mt19937_64 random(7007);
  std::size_t schedules = 0;
  for (const auto feedback : {policy::hand_over, policy::drain}) {
    CAPTURE(std::string(to_string(feedback)));
    for (const auto& d : dependences()) {
      CAPTURE(std::string(d.name));
      for (int round = 0; round < 150; ++round, ++schedules) {
        auto setup = random_setup(random, feedback);
        if (round % 2 == 0) setup.capacity = setup.activation_limit = 1;
        const auto at = random() % 300;
        CAPTURE(*setup.seed);
        CAPTURE(at);
        world w(setup.activation_limit);
        w.shuffle(*setup.seed);
        w.plot().total = 20;
        w.plot().notes_ways = false;
        auto before = world::make_graph(d.before, {}, setup.capacity, feedback);
        for (auto& a : before.arcs)
          if (a.from.starts_with("source")) a.capacity = 6;
        w.order(before);
        for (std::size_t i = 0; i < at; ++i) w.step();
        w.on_outcome = [&](const history_entry& e) {
          if (e.id == 2 && !d.then.empty()) w.order(to_version(d.then, 2));
        };
        w.order(to_version(d.changed, 2));
        const std::size_t orders = d.then.empty() ? 2 : 3;
        run_until(w, orders);
        for (const auto& o : w.outcomes())
          CHECK_MESSAGE(o.outcome == transition_outcome::committed, o.reason);
        CHECK(w.check().value_or("") == "");
        w.stop();
        run_until(w, orders + 1);
        CHECK(w.check_ended().value_or("") == "");
      }
    }
  }
  MESSAGE(schedules << " random schedules");
}

TEST_CASE("a source that overruns its credit with every event reaches its cut under load") {
  world w;
  w.plot().total = 2'000;
  w.plot().per_event = 10;
  w.order(world::make_graph({"source -> a -> sink"}, {}, 2));
  for (int i = 0; i < 200; ++i) w.step();
  w.order(to_version({"source"}, 2));
  w.run();
  REQUIRE(w.outcomes().size() == 2);
  CHECK(w.outcomes()[1].outcome == transition_outcome::committed);
  const auto& got = w.plot().sinks["sink"];
  REQUIRE(got.size() == 2'000);
  CHECK(got.front().met.front() == "source@1");
  CHECK(got[got.size() / 2].met.front() == "source@2"); // not only when it had no more events
}

TEST_CASE("a loop that never is empty is named at the deadline, and goes on") {
  for (const bool head_changes : {true, false}) {
    CAPTURE(head_changes);
    world w;
    w.plot().total = 20;
    w.plot().endless = 5;
    w.order(world::make_graph(tail_turns, {}, 4, policy::drain));
    for (int i = 0; i < 400; ++i) w.step();
    w.order(to_version({head_changes ? "head" : "turn"}, 2), std::chrono::seconds(2));
    for (int i = 0; i < 2'000; ++i) w.step();
    CHECK(w.outcomes().size() == 1);
    w.advance(std::chrono::seconds(3));
    for (int i = 0; i < 2'000; ++i) w.step();
    REQUIRE(w.outcomes().size() == 2);
    CHECK(w.outcomes()[1].outcome == transition_outcome::rolled_back);
    CHECK(w.outcomes()[1].reason.find("operator 'head' says not yet: 1 packet is in its loop") !=
          std::string::npos);
    for (int i = 0; i < 4'000; ++i) w.step();
    CHECK(w.plot().sinks["sink"].size() == 19); // all but the endless one
    w.plot().endless.reset();
    w.run();
    CHECK(w.plot().sinks["sink"].size() == 20);
  }
}

TEST_CASE("a loop that never is empty can be handed over") {
  world w;
  w.plot().total = 20;
  w.plot().endless = 5;
  w.order(world::make_graph(tail_turns, {}, 4, policy::hand_over));
  for (int i = 0; i < 400; ++i) w.step();
  w.order(to_version({"head", "turn"}, 2));
  for (int i = 0; i < 2'000; ++i) w.step();
  REQUIRE(w.outcomes().size() == 2);
  CHECK(w.outcomes()[1].outcome == transition_outcome::committed);
  w.plot().endless.reset();
  w.run();
  CHECK(w.plot().sinks["sink"].size() == 20);
}

TEST_CASE("an overflow is bounded by what the loop's other arcs hold, after an update as well") {
  for (const char* update : {"none", "rolled back", "committed"})
    for (const auto& before : {tail_turns, entrance, early_exit}) {
      CAPTURE(std::string(update));
      CAPTURE(before.front());
      const bool two = before != tail_turns, none = std::string(update) == "none";
      world w(256);
      w.plot().total = 2'000;
      w.plot().per_event = 50;
      w.plot().rounds = 20;
      if (std::string(update) == "rolled back") w.plot().throws_in_restore = "test.stage@2";
      w.shuffle(7005);
      w.order(world::make_graph(before, {}, 4));
      for (int i = 0; i < 200; ++i) w.step();
      if (!none) w.order(to_version({"mid"}, 2));
      while (w.outcomes().size() < (none ? 1 : 2) && w.step()) {
      }
      CHECK(to_string(w.outcomes().back().outcome) == std::string(none ? "committed" : update));
      for (int i = 0; i < 500; ++i) w.step(); // what came in meanwhile goes
      std::int64_t most = 0, steps = 0;
      for (; w.step(); ++steps) most = std::max(most, item::alive);
      CHECK(steps > 1'000);
      CHECK(check_arrived(w.plot(), two ? 2 : 1) == "");
      // At the most seven arcs of 4, the overflow of at most as much as a loop's three arcs hold,
      // one event's 50 kept by each source, and one in each operator's hands.
      CHECK(most <= 7 * 4 + 3 * 4 + 2 * 50 + 8);
    }
}

TEST_CASE("what an operator emits by itself into a feedback arc that ends is not lost") {
  std::size_t rolled_back = 0;
  for (std::size_t at = 40; at < 100; ++at) {
    CAPTURE(at);
    world w;
    w.plot().total = total;
    w.plot().emits_at_cut = "test.turn@1";
    w.order(world::make_graph(tail_turns, {}, 2));
    for (std::size_t i = 0; i < at; ++i) w.step();
    w.order(world::make_graph({"source -> head -> mid -> turn -> sink"}, {{"turn", "test.stage@1"}},
                              2));
    run_until(w, 2);
    const auto& outcome = w.outcomes()[1];
    CHECK(outcome.outcome == transition_outcome::rolled_back);
    CHECK(outcome.reason.find("operator 'turn' has emitted, not for a packet, into turn.again -> "
                              "head.in, which ends") != std::string::npos);
    rolled_back += outcome.outcome == transition_outcome::rolled_back;
    CHECK(w.plot().sinks["sink"].size() == total + 1);
  }
  CHECK(rolled_back == 60);
}
