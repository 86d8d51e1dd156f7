#include "protocol_world.hpp"

#include <doctest/doctest.h>

// Transitions that do not overlap run at the same time, the others in their order.

using namespace instar;
using namespace instar::test;

namespace {

using updates = std::vector<operator_update>;

/// Runs until all is done. Calls `look` with those that run after each message.
template <class Look>
void run_watched(world& w, Look look) {
  do {
    std::vector<transition_status> running;
    for (auto& t : w.look().transitions)
      if (t.epoch != 0) running.push_back(std::move(t));
    look(running);
  } while (w.step());
}

bool all_mark(const std::vector<transition_status>& running) {
  return std::all_of(running.begin(), running.end(),
                     [](const transition_status& t) { return t.step == "mark"; });
}

std::string types(world& w) {
  std::string text;
  for (const auto& op : w.look().operators)
    text += (text.empty() ? "" : " ") + op.name + op.reference.substr(op.reference.find('@'));
  return text;
}

history_entry outcome_of(const world& w, std::uint64_t id) {
  for (const auto& o : w.outcomes())
    if (o.id == id) return o;
  FAIL("transition " << id << " has no outcome");
  return {};
}

const std::vector<std::string> line{"source -> a -> b -> c -> sink"};

/// Two lines that have nothing to do with each other.
const std::vector<std::string> two_lines{"source1 -> p -> m -> r -> sink1",
                                         "source2 -> s -> n -> q -> sink2"};

} // namespace

TEST_CASE("two transitions of disjoint regions really run at the same time, at any message") {
  std::size_t at = 0;
  bool together = false;
  for (bool reached = true; reached; ++at) {
    CAPTURE(at);
    world w;
    w.plot().total = 20;
    w.order(world::make_graph(line));
    std::size_t done = 0;
    while (done < at && w.step()) ++done;
    reached = done == at;
    w.order(updates{{"a", "test.stage", 2}});
    w.order(updates{{"c", "test.stage", 2}});
    bool both_marked = false;
    run_watched(
        w, [&](const auto& running) { both_marked |= running.size() == 2 && all_mark(running); });
    together |= both_marked;
    REQUIRE(w.outcomes().size() == 3);
    for (const auto& o : w.outcomes())
      CHECK_MESSAGE(o.outcome == transition_outcome::committed, o.reason);
    CHECK(check_order(w.plot(), "sink").value_or("") == "");
    CHECK(check_versions(w.plot(), {}).value_or("") == "");
    CHECK(types(w) == "a@2 b@1 c@2 sink@1 source@1");
    CHECK(w.look().epoch == 3);

    // What both have made of the graph is one graph.
    w.order(updates{{"a", "test.stage", 2}, {"c", "test.stage", 2}});
    w.order(updates{{"b", "test.stage", 2}});
    w.run();
    CHECK(w.outcomes()[3].outcome == transition_outcome::unchanged);
    CHECK(types(w) == "a@2 b@2 c@2 sink@1 source@1");
    w.stop();
    w.run();
    CHECK(w.outcomes().back().outcome == transition_outcome::committed);
    CHECK(w.plot().instances == 0);
  }
  MESSAGE(at << " schedules, one for each message boundary");
  CHECK(together);
  CHECK(item::alive == 0);
}

TEST_CASE("one of two that run at the same time fails, the other commits, at any message") {
  for (const char* fault : {"restore", "deadline", "cancel"}) {
    CAPTURE(fault);
    const std::string how = fault;
    for (std::size_t at = 0; at < 160; at += 3) {
      CAPTURE(at);
      world w;
      w.plot().total = 20;
      w.order(world::make_graph(line));
      for (std::size_t i = 0; i < at; ++i) w.step();
      if (how == "restore") w.plot().throws_in_restore = "test.stage@2";
      else w.plot().never_ready = "test.stage@1";
      w.order(updates{{"a", "test.stage", 2}}, std::chrono::seconds(2));
      w.order(updates{{"sink", "test.sink", 2}}, std::chrono::seconds(9));
      w.run();
      if (how == "deadline") w.advance(std::chrono::seconds(3));
      if (how == "cancel") w.cancel({2, false, {}});
      w.run();
      REQUIRE(w.outcomes().size() == 3);
      CHECK(outcome_of(w, 2).outcome == transition_outcome::rolled_back);
      CHECK(outcome_of(w, 3).outcome == transition_outcome::committed);
      CHECK(types(w) == "a@1 b@1 c@1 sink@2 source@1");
      CHECK(check_order(w.plot(), "sink").value_or("") == "");
      for (const auto& r : w.plot().sinks["sink"]) CHECK(r.met[1] == "a@1");

      w.plot().throws_in_restore = w.plot().never_ready = "";
      w.order(updates{{"a", "test.stage", 2}});
      w.run();
      CHECK(w.plot().restored["a"] == 20);
      CHECK(types(w) == "a@2 b@1 c@1 sink@2 source@1");
    }
  }
}

TEST_CASE("those that overlap, or share an arc, take their turn, at any message") {
  const std::vector<std::pair<updates, updates>> pairs{
      {{{"a", "test.stage", 2}}, {{"a", "test.stage", 1}}},
      {{{"a", "test.stage", 2}}, {{"b", "test.stage", 2}}},                         // an arc
      {{{"a", "test.stage", 2}, {"c", "test.stage", 2}}, {{"b", "test.stage", 2}}}, // crossed
      {{{"b", "test.stage", 2}}, {{"a", "test.stage", 2}, {"c", "test.stage", 2}}}};
  for (const auto& [first, second] : pairs) {
    for (std::size_t at = 0; at < 150; at += 3) {
      CAPTURE(at);
      world w;
      w.plot().total = 20;
      w.order(world::make_graph(line));
      for (std::size_t i = 0; i < at; ++i) w.step();
      w.order(first);
      w.order(second);
      run_watched(w, [](const auto& running) { CHECK(running.size() <= 1); });
      REQUIRE(w.outcomes().size() == 3);
      for (std::size_t i = 0; i < 3; ++i) {
        CHECK(w.outcomes()[i].outcome == transition_outcome::committed);
        CHECK(w.outcomes()[i].epoch == i + 1);
      }
      CHECK(check_order(w.plot(), "sink").value_or("") == "");
    }
  }
}

TEST_CASE("nobody overtakes one that waits and that it overlaps with; others do") {
  world w;
  w.plot().total = 60;
  w.plot().never_ready = "test.stage@1";
  w.order(world::make_graph(line));
  for (int i = 0; i < 60; ++i) w.step();
  w.order(updates{{"a", "test.stage", 2}});                           // 2 does not get on
  w.order(updates{{"a", "test.stage", 2}, {"sink", "test.sink", 2}}); // 3 waits for it
  w.order(updates{{"sink", "test.sink", 2}});                         // 4 for 3, not for 2
  w.order(updates{{"c", "test.stage", 1}});                           // 5 is crossed by 3
  for (int i = 0; i < 200; ++i) w.step();
  const auto seen = w.look().transitions;
  REQUIRE(seen.size() == 4);
  CHECK(seen[0].id == 2);
  CHECK(seen[0].step == "mark");
  for (std::size_t i = 1; i < 4; ++i) {
    CHECK(seen[i].id == i + 2);
    CHECK(seen[i].step == "waiting");
  }
  w.cancel({3, false, {}});
  w.run();
  CHECK(outcome_of(w, 4).outcome == transition_outcome::committed);
  CHECK(outcome_of(w, 5).outcome == transition_outcome::unchanged);
  CHECK(w.look().transitions.size() == 1);
  w.plot().never_ready = "";
  w.order(updates{{"b", "test.stage", 2}});
  w.cancel({2, false, {}});
  w.run();
  CHECK(types(w) == "a@1 b@2 c@1 sink@2 source@1");
  CHECK(check_order(w.plot(), "sink").value_or("") == "");
}

TEST_CASE("what is unchanged or refused now is judged when those before it have ended") {
  world w;
  w.plot().total = 60;
  w.order(world::make_graph(line));
  for (int i = 0; i < 60; ++i) w.step();
  w.order(updates{{"b", "test.stage", 2}});
  w.order(updates{{"b", "test.stage", 1}}); // runs now, but will not then
  w.order(updates{{"x", "test.stage", 2}}); // is not there now
  w.order(updates{{"sink", "test.sink", 2}});
  w.run();
  CHECK(outcome_of(w, 3).outcome == transition_outcome::committed);
  CHECK(outcome_of(w, 4).outcome == transition_outcome::refused);
  CHECK(outcome_of(w, 5).outcome == transition_outcome::committed);
  CHECK(types(w) == "a@1 b@1 c@1 sink@2 source@1");
}

TEST_CASE("a whole graph waits for all before it, and all behind it for its turn") {
  for (std::size_t at = 0; at < 200; at += 5) {
    CAPTURE(at);
    world w;
    w.plot().total = 20;
    w.order(world::make_graph(line));
    for (std::size_t i = 0; i < at; ++i) w.step();
    w.order(updates{{"a", "test.stage", 2}});
    w.order(updates{{"c", "test.stage", 2}});
    w.order(world::make_graph({"source -> a -> x -> b -> c -> sink"}, {{"a", "test.stage@2"}}));
    w.order(updates{{"c", "test.stage", 2}});
    run_watched(w, [](const auto& running) {
      for (const auto& t : running)
        if (t.id == 4) CHECK(t.id == running.front().id);
    });
    REQUIRE(w.outcomes().size() == 5);
    for (const auto& o : w.outcomes()) CHECK(o.outcome == transition_outcome::committed);
    CHECK(outcome_of(w, 5).epoch == 5);
    CHECK(types(w) == "a@2 b@1 c@2 sink@1 source@1 x@1");
    CHECK(w.plot().sinks["sink"].size() == 20);
    for (std::size_t i = 0; i < 20; ++i) CHECK(w.plot().sinks["sink"][i].number == i);
  }
}

TEST_CASE("an update that a whole graph does not touch may run beside it, and both count") {
  std::size_t at = 0, together = 0;
  for (bool reached = true; reached; ++at) {
    CAPTURE(at);
    world w;
    w.plot().total = 12;
    w.order(world::make_graph(two_lines));
    std::size_t done = 0;
    while (done < at && w.step()) ++done;
    reached = done == at;
    auto whole =
        world::make_graph({"source1 -> p -> x -> t -> sink1", "source2 -> s -> n -> q -> sink2"});
    whole.name = "other";
    for (auto& op : whole.operators)
      if (op.name == "t") op.was = "r";
    w.order(whole);
    w.order(updates{{"n", "test.stage", 2}});
    bool both = false;
    run_watched(w, [&](const auto& running) { both |= running.size() == 2; });
    together += both;
    REQUIRE(w.outcomes().size() == 3);
    for (const auto& o : w.outcomes())
      CHECK_MESSAGE(o.outcome == transition_outcome::committed, o.reason);
    CHECK(types(w) == "n@2 p@1 q@1 s@1 sink1@1 sink2@1 source1@1 source2@1 t@1 x@1");
    CHECK(w.look().arcs.size() == 8);
    CHECK(w.look().name == "other");
    CHECK(check_order(w.plot(), "sink2").value_or("") == "");
    for (std::size_t i = 0; i < 12; ++i) CHECK(w.plot().sinks["sink1"].at(i).number == i);

    // Again: the graph that runs is the one that both have made.
    for (auto& op : whole.operators)
      if (op.name == "n") op.version = 2;
    w.order(whole);
    w.order(rollback_to{1});
    w.run();
    CHECK(w.outcomes()[3].outcome == transition_outcome::unchanged);
    CHECK(w.outcomes()[4].outcome == transition_outcome::committed);
    CHECK(types(w) == "m@1 n@1 p@1 q@1 r@1 s@1 sink1@1 sink2@1 source1@1 source2@1");
  }
  MESSAGE(at << " schedules, at the same time in " << together);
  CHECK(together > 10);
}

TEST_CASE("two that could wait for each other's room do not run at the same time") {
  const auto most_at_once = [](const updates& first, const updates& second) {
    world w;
    w.plot().total = 200;
    w.plot().per_event = 20;
    w.order(world::make_graph(two_lines, {}, 1));
    for (int i = 0; i < 120; ++i) w.step();
    w.order(first);
    w.order(second);
    std::size_t most = 0;
    run_watched(w, [&](const auto& running) { most = std::max(most, running.size()); });
    CHECK(w.outcomes().size() == 3);
    for (const auto& o : w.outcomes())
      CHECK_MESSAGE(o.outcome == transition_outcome::committed, o.reason);
    CHECK(check_order(w.plot(), "sink1").value_or("") == "");
    CHECK(check_order(w.plot(), "sink2").value_or("") == "");
    return most;
  };
  const operator_update p{"p", "test.stage", 2}, q{"q", "test.stage", 2};
  const operator_update r{"r", "test.stage", 2}, s{"s", "test.stage", 2};
  CHECK(most_at_once({p, q}, {r, s}) == 1); // each has one before and one behind the other
  CHECK(most_at_once({p, s}, {r, q}) == 2); // all of one are before the other
  CHECK(most_at_once({p}, {r}) == 2);
}

TEST_CASE("a flood is refused beyond the limit, and what was accepted is carried out") {
  world w(1, [](service_options& o) { o.max_queued_transitions = 5; });
  w.plot().total = 100;
  w.order(world::make_graph(line));
  for (int i = 0; i < 60; ++i) w.step();
  for (std::uint32_t i = 0; i < 20; ++i) w.order(updates{{"b", "test.stage", 2 - i % 2}});
  w.order(updates{{"sink", "test.sink", 2}});
  w.run();
  REQUIRE(w.outcomes().size() == 22);
  std::size_t refused = 0, committed = 0;
  for (const auto& o : w.outcomes()) {
    if (o.outcome == transition_outcome::committed) ++committed;
    if (o.outcome != transition_outcome::refused) continue;
    ++refused;
    CHECK(o.reason == "5 transitions are waiting already, which is the limit; ask again later");
  }
  CHECK(refused > 5);
  CHECK(committed >= 6);
  CHECK(check_order(w.plot(), "sink").value_or("") == "");
}

TEST_CASE("under random schedules the graph is as if all had taken their turn") {
  std::mt19937_64 random(77);
  const std::vector<std::string> names{"source1", "source2", "p", "m",     "r",
                                       "s",       "n",       "q", "sink1", "sink2"};
  std::size_t together = 0;
  for (int round = 0; round < 150; ++round) {
    CAPTURE(round);
    world w;
    w.shuffle(random());
    w.plot().total = 30;
    w.order(world::make_graph(two_lines, {}, 1 + random() % 4));
    for (auto n = random() % 150; n > 0; --n) w.step();
    std::map<std::string, std::uint32_t> wanted;
    const auto orders = 2 + random() % 6;
    for (std::size_t i = 0; i < orders; ++i) {
      updates change;
      for (auto n = 1 + random() % 2; n > 0; --n) {
        const auto& name = names[random() % names.size()];
        const auto type = name.starts_with("source") ? "test.source"
                          : name.starts_with("sink") ? "test.sink"
                                                     : "test.stage";
        wanted[name] = 1 + static_cast<std::uint32_t>(random() % 2);
        change.push_back({name, type, wanted[name]});
      }
      w.order(change);
      for (auto n = random() % 20; n > 0; --n) w.step();
    }
    std::size_t most = 0;
    run_watched(w, [&](const auto& running) { most = std::max(most, running.size()); });
    together += most > 1;
    REQUIRE(w.outcomes().size() == orders + 1);
    for (const auto& o : w.outcomes())
      CHECK_MESSAGE((o.outcome == transition_outcome::committed ||
                     o.outcome == transition_outcome::unchanged),
                    o.reason);
    for (const auto& op : w.look().operators) {
      const auto expected = wanted.count(op.name) ? wanted[op.name] : 1;
      CHECK_MESSAGE(op.reference.ends_with("@" + std::to_string(expected)), op.name);
    }
    CHECK(check_order(w.plot(), "sink1").value_or("") == "");
    CHECK(check_order(w.plot(), "sink2").value_or("") == "");
    CHECK(check_versions(w.plot(), {}).value_or("") == "");
    w.stop();
    w.run();
    CHECK(w.plot().instances == 0);
  }
  CHECK(together > 50);
  CHECK(item::alive == 0);
}
