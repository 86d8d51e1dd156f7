// The real operators, each on its thread, under the load of the service's own clients.
#include "apps/clients/connection.hpp"
#include "apps/memcache/memcache_client.hpp"
#include "services/threaded_site.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>

using namespace instar;
using namespace instar::test;

namespace {

constexpr const char* arcs = "'accept -> loop'";

std::string operators(int loops, unsigned version = 1) {
  return "accept = { type = 'blocking.accept@1', port = 0 }\n"
         "clock = { type = 'memcache.clock@1' }\n"
         "loop = { type = 'memcache.loop@" +
         std::to_string(version) + "', replicas = " + std::to_string(loops) +
         ", key = 'number' }\n";
}

clients::client_maker of(const threaded_site& s) {
  return [port = s.port()](std::size_t number) {
    return std::make_unique<clients::memcache_client>("127.0.0.1", port, number);
  };
}

/// How many event loops the cache says that it has.
std::string threads_of(const threaded_site& s) {
  clients::connection asks("127.0.0.1", s.port());
  asks.send("stats settings\r\n");
  const std::string name = "STAT num_threads ";
  std::string found;
  for (auto line = asks.line(); line != "END"; line = asks.line())
    if (line.starts_with(name)) found = line.substr(name.size());
  return found;
}

const std::vector<place_and_type> all = {
    {"accept", "blocking.accept"}, {"clock", "memcache.clock"}, {"loop", "memcache.loop"}};

} // namespace

TEST_CASE("100 updates of a cache under load are not noticed by its clients") {
  threaded_site s(arcs, operators(3));
  clients::crowd load(8, of(s));
  update_to_and_fro(s, load, all, 100);
  check_unnoticed(load);
  CHECK(s.stop().reason == "");
}

TEST_CASE("the number of event loops changes under load, and connections go to those there are") {
  threaded_site s(arcs, operators(1));
  clients::crowd load(8, of(s));
  for (const int loops : {4, 2, 5, 1, 3}) {
    const auto done = s.apply(arcs, operators(loops, 1 + loops % 2));
    CHECK_MESSAGE(done.outcome == transition_outcome::committed, done.reason);
    const auto before = load.seen().answers;
    while (load.seen().answers < before + 500) std::this_thread::sleep_for(1ms);
    const auto give_up = std::chrono::steady_clock::now() + 10s;
    while (threads_of(s) != std::to_string(loops)) { // the last of them may just be starting
      REQUIRE(std::chrono::steady_clock::now() < give_up);
      std::this_thread::sleep_for(1ms);
    }
  }
  check_unnoticed(load);
}

TEST_CASE("a command that arrives byte by byte outlives the versions that began it") {
  threaded_site s(arcs, operators(2));
  clients::connection one("127.0.0.1", s.port());
  unsigned version = 1;
  for (const char c : std::string("set a 1 0 3\r\nx\ny\r\nget a\r\n")) {
    one.send({&c, 1});
    version = 3 - version;
    const auto done = s.update({{"loop", "memcache.loop", version}});
    CHECK_MESSAGE(done.outcome == transition_outcome::committed, done.reason);
  }
  CHECK(one.line() == "STORED");
  CHECK(one.line() == "VALUE a 1 3");
  CHECK(one.read(5) == "x\ny\r\n");
  CHECK(one.line() == "END");
}

TEST_CASE(
    "a connection that is idle for two updates is answered, with the new version's commands") {
  threaded_site s(arcs, operators(2));
  clients::connection one("127.0.0.1", s.port());
  one.send("set a 0 0 1\r\nx\r\n");
  CHECK(one.line() == "STORED");
  for (const unsigned version : {2u, 1u, 2u})
    CHECK(s.update({{"loop", "memcache.loop", version}}).outcome == transition_outcome::committed);
  one.send("gat 100 a\r\n");
  CHECK(one.line() == "VALUE a 0 1");
  CHECK(one.line() == "x");
  CHECK(one.line() == "END");
}

TEST_CASE("a client that does not read what it asks for holds up nobody, and gets all of it") {
  threaded_site s(arcs, operators(1));
  clients::connection greedy("127.0.0.1", s.port()), other("127.0.0.1", s.port());
  const std::string value(1'000'000, 'v');
  greedy.send("set big 0 0 1000000\r\n" + value + "\r\n");
  CHECK(greedy.line() == "STORED");
  for (int i = 0; i < 30; ++i) greedy.send("get big\r\n");
  unsigned version = 1;
  for (int i = 0; i < 4; ++i) {
    version = 3 - version;
    CHECK(s.update({{"loop", "memcache.loop", version}}).outcome == transition_outcome::committed);
    other.send("get nothing\r\n");
    CHECK(other.line() == "END");
  }
  for (int i = 0; i < 30; ++i) {
    REQUIRE(greedy.line() == "VALUE big 0 1000000");
    REQUIRE(greedy.read(value.size() + 2) == value + "\r\n");
    REQUIRE(greedy.line() == "END");
  }
}
