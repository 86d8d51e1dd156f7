// The real operators, each on its thread, under the load of the service's own clients.
#include "apps/clients/connection.hpp"
#include "apps/game/game_client.hpp"
#include "services/threaded_site.hpp"
#include "temporary_folder.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <memory>
#include <sstream>
#include <string>

using namespace instar;
using namespace instar::test;

namespace {

constexpr const char* arcs = "'accept -> reader -> clock.order', 'clock.news -> herald -> writer', "
                             "{ chain = 'clock.freed -> accept', feedback = 'hand_over' }";

std::string operators(int seats, const std::string& clock = {}, const std::string& herald = {},
                      const std::string& writer = {}) {
  const auto n = std::to_string(seats);
  return "accept = { type = 'game.accept@1', port = 0, seats = " + n +
         " }\n"
         "reader = { type = 'game.reader@1', replicas = " +
         n +
         ", key = 'number' }\n"
         "clock = { type = 'game.clock@1', turn = '2ms'" +
         clock +
         " }\n"
         "herald = { type = 'game.herald@1'" +
         herald +
         " }\n"
         "writer = { type = 'game.writer@1', replicas = " +
         n + ", key = 'number'" + writer + " }\n";
}

const std::vector<place_and_type> all = {{"accept", "game.accept"},
                                         {"reader", "game.reader"},
                                         {"clock", "game.clock"},
                                         {"herald", "game.herald"},
                                         {"writer", "game.writer"}};

std::string ask(clients::connection& to, const std::string& line) {
  to.send(line + "\n");
  return to.line();
}

} // namespace

TEST_CASE("100 updates of a game under load are not noticed by its players") {
  threaded_site s(arcs, operators(4));
  clients::crowd load(4, [&](std::size_t number) {
    return std::make_unique<clients::game_client>("127.0.0.1", s.port(), number);
  });
  update_to_and_fro(s, load, all, 100);
  check_unnoticed(load);
  CHECK(s.stop().reason == "");
}

TEST_CASE("a line that comes byte by byte outlives the versions that began it") {
  threaded_site s(arcs, operators(2));
  clients::connection one("127.0.0.1", s.port());
  CHECK(one.line().starts_with("welcome"));
  std::uint32_t version = 1;
  for (const char c : std::string("name Ann\nship\n")) {
    one.send({&c, 1});
    version = 3 - version;
    std::vector<operator_update> wanted;
    for (const auto& [name, type] : all) wanted.push_back({name, type, version});
    const auto done = s.update(wanted);
    CHECK_MESSAGE(done.outcome == transition_outcome::committed, done.reason);
  }
  CHECK(one.line() == "hello Ann sector 0 credits 1000 cargo 0 0 0");
  CHECK(one.line() == "ship sector 0 credits 1000 cargo 0 0 0");
}

TEST_CASE("who finds no free seat is told so, or waits for one, as the version says") {
  threaded_site s(arcs, operators(2));
  clients::connection a("127.0.0.1", s.port()), b("127.0.0.1", s.port());
  CHECK(a.line().starts_with("welcome"));
  CHECK(b.line().starts_with("welcome"));
  {
    clients::connection c("127.0.0.1", s.port());
    CHECK(c.line() == "sorry, all seats are taken");
    c.expect_end();
  }
  CHECK(s.update({{"accept", "game.accept", 2}}).outcome == transition_outcome::committed);
  clients::connection c("127.0.0.1", s.port());
  c.send("name Cat\n");
  CHECK(ask(a, "name Ann").starts_with("hello Ann"));
  CHECK(ask(a, "quit") == "bye");
  a.expect_end();
  CHECK(c.line().starts_with("welcome"));
  CHECK(c.line().starts_with("hello Cat"));
  b.close(); // without a word
  clients::connection d("127.0.0.1", s.port());
  CHECK(d.line().starts_with("welcome"));
}

TEST_CASE("a player that does not read is thrown out, and holds up nobody") {
  threaded_site s(arcs, operators(2, {}, {}, ", patience = '100ms'"));
  clients::connection deaf("127.0.0.1", s.port()), other("127.0.0.1", s.port());
  CHECK(deaf.line().starts_with("welcome"));
  CHECK(other.line().starts_with("welcome"));
  CHECK(ask(deaf, "name deaf").starts_with("hello"));
  CHECK(ask(other, "name other").starts_with("hello"));
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "look\n";
  const auto give_up = std::chrono::steady_clock::now() + 30s;
  bool gone = false;
  while (!gone) { // until nothing fits any more into what lies between
    REQUIRE(std::chrono::steady_clock::now() < give_up);
    try {
      deaf.send(text);
    } catch (const std::runtime_error&) {
      gone = true;
    }
    CHECK(ask(other, "ship").starts_with("ship"));
  }
  std::string said; // of who has the seat then
  while (!said.starts_with("welcome")) {
    REQUIRE(std::chrono::steady_clock::now() < give_up);
    said = clients::connection("127.0.0.1", s.port()).line();
  }
}

TEST_CASE("a saved game goes on after a restart") {
  const temporary_folder folder;
  const auto file = folder.path() / "game";
  const auto with = [&](const char* more) { return ", game = '" + file.string() + "'" + more; };
  std::string ship;
  {
    threaded_site s(arcs, operators(1, with(", save_every = 1"), with("")));
    clients::connection one("127.0.0.1", s.port());
    CHECK(one.line().starts_with("welcome"));
    CHECK(ask(one, "name Ann").starts_with("hello"));
    CHECK(ask(one, "buy ore 3").find("bought 3") != std::string::npos);
    CHECK(ask(one, "move 1").find("moved") != std::string::npos);
    ship = ask(one, "ship");
    const auto give_up = std::chrono::steady_clock::now() + 10s;
    std::string saved;
    while (saved.find("ship Ann 1 ") == saved.npos) {
      REQUIRE(std::chrono::steady_clock::now() < give_up);
      std::ostringstream text;
      text << std::ifstream(file).rdbuf();
      saved = text.str();
    }
    CHECK(s.stop().reason == "");
  }
  threaded_site s(arcs, operators(1, with(""), with("")));
  clients::connection one("127.0.0.1", s.port());
  CHECK(one.line().starts_with("welcome"));
  CHECK(ask(one, "name Ann") == "hello Ann " + ship.substr(5));
}
