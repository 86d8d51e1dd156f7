#include "admin_world.hpp"

#include "lifecycle/policy_desk.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <thread>

using namespace instar;
using namespace instar::test;
using namespace std::chrono_literals;

namespace {

bool eventually(const std::function<bool()>& what) {
  const auto give_up = std::chrono::steady_clock::now() + 20s;
  while (!what()) {
    if (std::chrono::steady_clock::now() > give_up) return false;
    std::this_thread::sleep_for(5ms);
  }
  return true;
}

/// The world's graph with a policy that takes the second sink at once.
wanted_change with_policy(const std::string& more = {}) {
  return graph_text{admin_world::graph_of("test.sink@1") +
                        "[operators.swap]\ntype = \"instar.policy@1\"\n"
                        "when = \"packets_in(sink) > 1/s\"\nfor = \"0s\"\n"
                        "update = \"sink=test.sink@2\"\nevery = \"5ms\"\nwindow = \"20ms\"\n" +
                        more,
                    "/somewhere/world.toml",
                    {},
                    "/somewhere"};
}

} // namespace

TEST_CASE("a client sees what a policy does, and why") {
  admin_world world;
  const auto client = world.client();
  CHECK(client->policies()->empty());
  REQUIRE(client->apply(with_policy(), 5s)->outcome == transition_outcome::committed);
  REQUIRE(eventually([&] {
    const auto all = client->policies();
    return all && all->size() == 1 && !all->front().events.empty() &&
           !all->front().events.front().outcome.empty();
  }));
  const auto swap = client->policies()->front();
  CHECK(swap.name == "swap");
  CHECK(swap.place == "there");
  CHECK(swap.changes == 1);
  CHECK(swap.events[0].outcome == "committed");
  const auto last = client->history(1)->front();
  CHECK(last.who == "policy swap");
  CHECK(last.cause == swap.events[0].cause);
  CHECK(last.cause.starts_with("packets_in(sink) is "));
  CHECK(client->current_graph()->find("sink")->version == 2);
}

TEST_CASE("a client pauses policies and resumes them; others' names are refused") {
  admin_world world;
  const auto client = world.client();
  REQUIRE(client->apply(with_policy("paused = true\n"), 5s)->outcome ==
          transition_outcome::committed);
  REQUIRE(eventually([&] { return client->policies()->size() == 1; }));
  CHECK(client->policies()->front().paused_by == "its settings");
  const auto wrong = client->pause_policies({"swop"}, true);
  REQUIRE(wrong);
  REQUIRE(wrong->size() == 1);
  CHECK(wrong->front().refusal == "there is no policy 'swop'; did you mean 'swap'?");
  CHECK(client->history(10)->size() == 1);
  const auto resumed = client->pause_policies({}, false);
  REQUIRE(resumed);
  REQUIRE(resumed->size() == 1);
  CHECK(resumed->front().name == "swap");
  CHECK(resumed->front().refusal.empty());
  CHECK(eventually([&] { return client->current_graph()->find("sink")->version == 2; }));
  CHECK(client->pause_policies({"swap"}, true)->front().refusal.empty());
  const auto me = client->history(10)->front().who;
  CHECK(client->policies()->front().paused_by == me);
  REQUIRE(eventually([&] { return client->policies()->front().events.size() == 3; }));
  CHECK(client->policies()->front().events[0].cause == "by " + me);
}

TEST_CASE("an arc can be traced, and a policy sees it as it was") {
  admin_world world;
  const auto client = world.client();
  auto change = std::get<graph_text>(with_policy());
  const std::string plain = "packets_in(sink) > 1/s", arc = "credit(tick -> sink) < 5";
  change.text.replace(change.text.find(plain), plain.size(), arc);
  REQUIRE(client->apply(wanted_change(change), 5s)->outcome == transition_outcome::committed);
  trace_watcher watch;
  watch.packets = [&](const std::vector<traced_packet>&) {
    const auto all = world.running().policies().list();
    return !(all.size() == 1 && all.front().measures.size() == 1 &&
             all.front().measures[0].value.value_or(0) > 1500); // of both halves
  };
  watch.lasts = 20s;
  const auto end = client->trace({"tick -> sink"}, watch);
  REQUIRE(end);
  CHECK(end->totals.packets > 0);
  CHECK(end->took < 20s);
}
