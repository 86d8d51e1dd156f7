#include "lifecycle/admin_server.hpp"

#include "admin_world.hpp"

#include <doctest/doctest.h>

#include <future>
#include <thread>

using namespace instar;
using namespace instar::test;
using namespace std::chrono_literals;

TEST_CASE("a client applies a graph, looks at it, and finds itself in the history") {
  admin_world world;
  const auto entry = world.apply("test.sink@1");
  CHECK(entry.outcome == transition_outcome::committed);
  CHECK(entry.epoch == 1);

  const auto client = world.client();
  CHECK(client->service_version() == "9.9.9");
  const auto status = client->status();
  REQUIRE(status);
  CHECK(status->name == "world");
  CHECK(status->epoch == 1);
  CHECK(status->version == "9.9.9");
  CHECK(status->pid == ::getpid());
  CHECK(status->operators.size() == 2);
  CHECK(status->arcs.size() == 1);

  const auto graph = client->current_graph();
  REQUIRE(graph);
  REQUIRE(graph->find("sink"));
  CHECK(graph->find("sink")->reference() == "test.sink@1");
  REQUIRE(graph->arcs.size() == 1);
  CHECK(graph->arcs[0].name() == "tick.out -> sink.in");

  const auto history = client->history(10);
  REQUIRE(history);
  REQUIRE(history->size() == 1);
  CHECK(history->front().who.ends_with("(" + std::to_string(::getpid()) + ")"));
  CHECK_FALSE(history->front().steps.empty());
}

TEST_CASE("an update by references is planned first and then committed") {
  admin_world world;
  world.apply("test.sink@1");
  const auto client = world.client();
  const wanted_change change = std::vector<operator_update>{{"sink", "test.sink", 2}};
  const auto plan = client->plan(change);
  REQUIRE(plan);
  CHECK_FALSE(plan->refused());
  CHECK_FALSE(plan->empty());
  const auto entry = client->apply(change, 5s);
  REQUIRE(entry);
  CHECK(entry->outcome == transition_outcome::committed);
  CHECK(client->current_graph()->find("sink")->version == 2);
  CHECK(client->plan(change)->empty());
  CHECK(client->apply(change, 5s)->outcome == transition_outcome::unchanged);
  REQUIRE(client->history(1)->size() == 1);
  CHECK(client->history(1)->front().outcome == transition_outcome::unchanged);
}

TEST_CASE("graphs are compared, and former ones come back") {
  admin_world world;
  world.apply("test.sink@1");
  world.apply("test.sink@2");
  const auto client = world.client();
  const auto difference = client->compare(epoch_t{1}, {});
  REQUIRE(difference);
  REQUIRE(difference->operators.size() == 2);
  CHECK(difference->operators[1].new_reference == "test.sink@2");
  const auto file = std::get<graph_text>(admin_world::change_to("test.sink@2"));
  CHECK_FALSE(client->compare({}, file)->changes());
  CHECK(client->compare({}, epoch_t{9})->operators.empty());
  CHECK(client->compare({}, graph_text{"no [", "/x.toml", {}, "/"})->refused());

  const wanted_change back = rollback_to{};
  CHECK(client->plan(back)->operators[1].new_reference == "test.sink@1");
  const auto entry = client->apply(back, 5s);
  REQUIRE(entry);
  CHECK(entry->what == "back to epoch 1: sink: test.sink@2 -> test.sink@1");
  CHECK(client->current_graph()->find("sink")->version == 1);
}

TEST_CASE("what cannot be done is refused in words, and nothing changes") {
  admin_world world;
  world.apply("test.sink@1");
  const auto client = world.client();
  SUBCASE("a text that is no graph") {
    const wanted_change change = graph_text{"this is [ no TOML", "/somewhere/bad.toml", {}, "/"};
    CHECK(client->plan(change)->refusals.front().message.starts_with("/somewhere/bad.toml:1"));
    CHECK(client->apply(change, 5s)->outcome == transition_outcome::refused);
  }
  SUBCASE("an operator type that does not exist") {
    const auto change = admin_world::change_to("test.nothing@1");
    CHECK(client->plan(change)->refused());
    const auto entry = client->apply(change, 5s);
    CHECK(entry->outcome == transition_outcome::refused);
    CHECK(entry->reason.find("test.nothing") != std::string::npos);
  }
  SUBCASE("an operator that does not run") {
    const wanted_change change = std::vector<operator_update>{{"ghost", "test.sink", 2}};
    CHECK(client->plan(change)->refused());
    CHECK(client->apply(change, 5s)->outcome == transition_outcome::refused);
  }
  SUBCASE("a deadline beyond a day") {
    const auto entry = client->apply(admin_world::change_to("test.sink@2"), 48h);
    CHECK(entry->outcome == transition_outcome::refused);
    CHECK(entry->reason.find("24h") != std::string::npos);
  }
  CHECK(client->status()->epoch == 1);
  CHECK(client->current_graph()->find("sink")->reference() == "test.sink@1");
}

TEST_CASE("a transition that misses its deadline is reported as rolled back, with the reason") {
  admin_world world;
  world.apply("test.stubborn@1");
  const auto client = world.client();
  int looks = 0;
  const auto entry = client->apply(admin_world::change_to("test.sink@1"), 400ms,
                                   {{}, [&](const service_status&) { ++looks; }});
  REQUIRE(entry);
  CHECK(entry->outcome == transition_outcome::rolled_back);
  CHECK(entry->reason.find("will not go") != std::string::npos);
  CHECK(looks >= 2);
}

TEST_CASE("a change has an id at once, by which another client cancels it") {
  admin_world world;
  world.apply("test.stubborn@1");
  std::promise<std::uint64_t> told;
  auto waiting = std::async(std::launch::async, [&] {
    const auto client = admin_client::connect(world.socket());
    return (*client)->apply(admin_world::change_to("test.sink@1"), 60s,
                            {[&](std::uint64_t id) { told.set_value(id); }});
  });
  const auto id = told.get_future().get();
  CHECK(id == 2);
  const auto client = world.client();
  const auto status = client->status();
  REQUIRE(status);
  REQUIRE(status->transitions.size() == 1);
  CHECK(status->transitions[0].id == id);
  const auto wrong = client->cancel(77);
  REQUIRE(wrong);
  REQUIRE(wrong->size() == 1);
  CHECK_FALSE(wrong->front().refusal.empty());
  const auto right = client->cancel(id);
  REQUIRE(right);
  CHECK(right->front().id == id);
  CHECK(right->front().refusal.empty());
  const auto entry = waiting.get();
  REQUIRE(entry);
  CHECK(entry->id == id);
  CHECK(entry->reason.starts_with("cancelled by "));
  CHECK(client->cancel(0, true)->empty());
  CHECK(client->history(1)->front().id == id);
}

TEST_CASE("a change that the service never gets has no id, but an outcome") {
  admin_world world;
  const auto client = world.client();
  std::uint64_t id = 9;
  const auto entry = client->apply(graph_text{"no [ TOML", "/x.toml", {}, "/"}, 5s,
                                   {[&](std::uint64_t told) { id = told; }});
  REQUIRE(entry);
  CHECK(id == 0);
  CHECK(entry->outcome == transition_outcome::refused);
}

TEST_CASE("a change goes on when its client has gone") {
  admin_world world;
  world.apply("test.stubborn@1");
  auto impatient = std::async(std::launch::async, [&] {
    const auto client = admin_client::connect(world.socket());
    struct enough {};
    try {
      (void)(*client)->apply(admin_world::change_to("test.sink@1"), 700ms,
                             {{}, [](const service_status&) { throw enough(); }});
    } catch (...) {
    }
  });
  impatient.get();
  const auto client = world.client();
  for (int i = 0; i < 100 && client->history(10)->size() < 2; ++i)
    std::this_thread::sleep_for(50ms);
  REQUIRE(client->history(10)->size() == 2);
  CHECK(client->history(1)->front().outcome == transition_outcome::rolled_back);
}

TEST_CASE("stopping the server ends open requests and removes the socket") {
  admin_world world;
  world.apply("test.stubborn@1");
  auto waiting = std::async(std::launch::async, [&] {
    const auto client = admin_client::connect(world.socket());
    return (*client)->apply(admin_world::change_to("test.sink@1"), 2s);
  });
  const auto client = world.client();
  while (client->status()->transition.empty()) std::this_thread::sleep_for(10ms);
  world.server().stop();
  const auto entry = waiting.get();
  REQUIRE_FALSE(entry);
  CHECK(entry.error().message.find("closed the connection") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(world.socket()));
  CHECK_FALSE(client->status());
  world.server().stop();
}

TEST_CASE("many clients at once are all answered") {
  admin_world world;
  world.apply("test.sink@1");
  std::vector<std::future<int>> clients;
  for (int i = 0; i < 8; ++i)
    clients.push_back(std::async(std::launch::async, [&] {
      const auto client = admin_client::connect(world.socket());
      int good = 0;
      for (int n = 0; n < 20; ++n) good += client && (*client)->status() ? 1 : 0;
      return good;
    }));
  for (auto& c : clients) CHECK(c.get() == 20);
}

TEST_CASE("a socket that nobody serves is explained") {
  temporary_folder folder;
  const auto missing = admin_client::connect(folder.path() / "none.sock");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().message.find("--admin") != std::string::npos);
  CHECK_FALSE(admin_client::connect(folder.path() / "no" / "folder.sock"));
  CHECK_FALSE(admin_client::connect(""));
  CHECK_FALSE(admin_client::connect(std::string(300, 'x')));
}
