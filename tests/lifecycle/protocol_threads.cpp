// Operators with threads in loops: whoever empties the loop waits for them to come to rest, and is
// never refused for what they emit.
#include "checkpoint_world.hpp"
#include "protocol_state.capnp.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <vector>

using namespace instar;
using namespace instar::test;
using namespace std::chrono_literals;

namespace {

using chains = std::vector<std::string>;
using policy = feedback_policy;
using change = std::function<void(world&)>;

struct loop {
  const char* place; ///< of the thread
  chains before, opened;
  std::vector<std::string> members;
  std::size_t sources = 1; ///< besides threads
};

const loop loops[] = {
    {"between head and tail",
     {"source -> head -> thread -> turn -> sink", "turn.again ~> head"},
     {"source -> head -> thread -> turn -> sink"},
     {"head", "thread", "turn"}},
    {"with two ways to the head",
     {"source -> head -> thread -> turn -> sink", "turn.again ~> head", "source2 -> head"},
     {"source -> head -> thread -> turn -> sink", "source2 -> head"},
     {"head", "thread", "turn"},
     2},
    {"with a way to the thread",
     {"source -> head -> thread -> turn -> sink", "turn.again ~> head", "source2 -> thread"},
     {"source -> head -> thread -> turn -> sink", "source2 -> thread"},
     {"head", "thread", "turn"},
     2},
    {"at the head",
     {"source -> thread -> turn -> sink", "turn.again ~> thread"},
     {"source -> thread -> turn -> sink"},
     {"thread", "turn"}},
    {"at the tail",
     {"source -> turn -> sink", "turn.again -> thread ~> turn"},
     {"source -> turn -> sink", "turn.again -> thread -> sink"},
     {"turn", "thread"}},
    {"at each place",
     {"source -> thread_a -> turn -> sink", "turn.again -> thread_b ~> thread_a"},
     {"source -> thread_a -> turn -> sink", "turn.again -> thread_b -> sink"},
     {"thread_a", "turn", "thread_b"}},
};

std::size_t sources(const loop& of) {
  return of.sources + static_cast<std::size_t>(std::count_if(
                          of.members.begin(), of.members.end(),
                          [](const std::string& name) { return name.starts_with("thread"); }));
}

std::vector<operator_update> to_version_2(const std::vector<std::string>& names) {
  std::vector<operator_update> list;
  for (const auto& name : names)
    list.push_back({name,
                    name.starts_with("thread") ? "test.thread"
                    : name == "turn"           ? "test.turn"
                                               : "test.stage",
                    2});
  return list;
}

/// The clock moves only when nothing else does.
void run_until(world& w, std::size_t outcomes) {
  w.run();
  for (int tick = 0; w.outcomes().size() < outcomes && tick < 6'000; ++tick) {
    w.advance(1ms);
    w.run();
  }
  REQUIRE(w.outcomes().size() == outcomes);
}

struct setup {
  std::size_t capacity = 2, activation_limit = 1;
  std::optional<std::uint64_t> seed;
};

/// Asks for the change after `at` messages. Returns false when the run was over before.
bool run_with_change_at(world& w, const loop& of, policy feedback, const setup& s, const change& c,
                        std::size_t at) {
  if (s.seed) w.shuffle(*s.seed);
  w.plot().total = 8;
  w.order(world::make_graph(of.before, {}, s.capacity, feedback));
  std::size_t done = 0;
  while (done < at && w.step()) ++done;
  c(w);
  run_until(w, 2);
  CHECK(w.outcomes()[1].outcome == transition_outcome::committed);
  CHECK(w.outcomes()[1].reason == "");
  return done == at;
}

/// At every message, and on random schedules.
void on_all_schedules(const std::function<bool(const setup&, std::size_t at)>& run) {
  for (std::size_t at = 0;; ++at) {
    CAPTURE(at);
    if (!run({}, at)) break;
  }
  std::mt19937_64 random(7101);
  for (int round = 0; round < 40; ++round) {
    constexpr std::size_t choices[] = {1, 3, 256};
    const setup s{choices[random() % 2], choices[random() % 3], random()};
    const auto at = random() % 300;
    CAPTURE(*s.seed);
    CAPTURE(at);
    run(s, at);
  }
}

void check_change(const loop& of, policy feedback, const change& c,
                  const std::vector<std::string>& atomic = {}) {
  on_all_schedules([&](const setup& s, std::size_t at) {
    world w(s.activation_limit);
    const bool reached = run_with_change_at(w, of, feedback, s, c, at);
    CHECK(check_arrived(w.plot(), sources(of)) == "");
    if (feedback == policy::drain) CHECK(check_versions(w.plot(), atomic).value_or("") == "");
    w.stop();
    run_until(w, 3);
    CHECK(w.outcomes().back().reason == "");
    CHECK(w.plot().instances == 0);
    return reached;
  });
}

} // namespace

TEST_CASE("an update of a loop that is drained waits for its threads, at any message") {
  for (const auto& of : loops) {
    CAPTURE(std::string(of.place));
    std::vector<std::vector<std::string>> sets{of.members};
    for (const auto& name : of.members) sets.push_back({name});
    for (const auto& changed : sets)
      check_change(
          of, policy::drain, [&](world& w) { w.order(to_version_2(changed)); }, changed);
  }
}

TEST_CASE("a loop with threads in it is opened at any message, and nothing is refused or lost") {
  for (const auto& of : loops) {
    CAPTURE(std::string(of.place));
    const bool out = of.opened.back().starts_with("turn.again");
    const std::map<std::string, std::string> types{{"turn", out ? "test.turn@1" : "test.stage@1"}};
    check_change(of, policy::hand_over,
                 [&](world& w) { w.order(world::make_graph(of.opened, types, 2)); });
  }
}

TEST_CASE("a service with threads in a loop stops at any message, and nothing is left over") {
  for (const auto& of : loops) {
    CAPTURE(std::string(of.place));
    on_all_schedules([&](const setup& s, std::size_t at) {
      world w(s.activation_limit);
      const bool reached = run_with_change_at(
          w, of, policy::hand_over, s, [](world& w) { w.stop(); }, at);
      CHECK(w.check_ended().value_or("") == "");
      return reached;
    });
  }
}

TEST_CASE("a checkpoint has all that was in a loop with threads, at any message") {
  for (const auto& of : loops) {
    CAPTURE(std::string(of.place));
    std::size_t in_the_middle = 0;
    on_all_schedules([&](const setup& s, std::size_t at) {
      checkpointed c(s.activation_limit);
      const bool reached = run_with_change_at(
          c.w, of, policy::hand_over, s, [](world& w) { w.order(checkpoint_wish{}); }, at);
      CHECK(check_arrived(c.w.plot(), sources(of)) == "");
      std::map<std::string, std::uint64_t> count;
      const auto saved = c.newest();
      for (const auto& [name, type] : saved->operators()) {
        const auto is = saved->state_of(name);
        REQUIRE(is);
        state_reader reader(*is);
        count[name] = reader.root<StageState>().getCount();
      }
      // Each item is begun once and arrives once; each time that it goes round it meets all.
      const auto arrived = count["sink"];
      if (of.members[0] == "head") {
        CHECK(count["turn"] == count["thread"]);
        const auto past_the_head = of.before.back() == "source2 -> thread";
        const auto came = count["source"] + (past_the_head ? 0 : count["source2"]);
        CHECK(count["head"] + arrived == came + count["turn"]);
      } else if (of.members[0] == "thread") {
        CHECK(count["thread"] == count["turn"]);
      }
      in_the_middle += arrived > 0 && arrived < 8 * sources(of);
      return reached;
    });
    CHECK(in_the_middle > 20);
  }
}
