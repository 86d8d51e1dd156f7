// The rules of the game, without threads and sockets.
#include "services/game/world.hpp"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <string_view>
#include <utility>

using namespace instar::game;

namespace {

struct table {
  world played{false};

  /// All that is said since the last time, each line with who gets it.
  std::string said() {
    std::string text;
    for (const auto& one : std::exchange(played.letters, {}))
      text += std::to_string(one.seat) + ": " + one.text.substr(0, one.text.find('\r')) +
              (one.last ? " END" : "") + "|";
    return text;
  }
  std::string take(std::uint64_t seat, std::string_view line) {
    played.take(seat, seat * 10, line);
    return said();
  }
  std::string turn() {
    played.turn();
    return said();
  }
  void join(std::uint64_t seat, const std::string& name) {
    played.sit(seat, seat * 10);
    take(seat, "name " + name);
  }
};

} // namespace

TEST_CASE("a player says a name and has a ship, which waits for him") {
  table t;
  t.played.sit(1, 10);
  CHECK(t.said() == "1: welcome; say: name NAME|");
  CHECK(t.take(1, "look") == "1: error: say first: name NAME|");
  CHECK(t.take(1, "name Ann!") ==
        "1: error: a name has 1 to 32 letters, digits, hyphens and underscores|");
  CHECK(t.take(1, "name Ann") == "1: hello Ann sector 0 credits 1000 cargo 0 0 0|");
  CHECK(t.take(1, "name Bob") == "1: error: you are Ann|");
  t.played.sit(2, 20);
  t.said();
  CHECK(t.take(2, "name Ann") == "2: error: Ann plays already|");
  CHECK(t.take(1, "move 1") == "");
  CHECK(t.turn() == "1: turn 1 moved sector 1 credits 1000 cargo 0 0 0|");
  CHECK(t.take(1, "quit") == "1: bye END|");
  t.played.leave(1, 10);
  CHECK(t.played.freed == std::deque<std::uint64_t>{1});
  CHECK(t.take(2, "name Ann") == "2: hello Ann sector 1 credits 1000 cargo 0 0 0|");
}

TEST_CASE("one order of each player is carried out in a turn") {
  table t;
  t.join(1, "a");
  t.join(2, "b");
  for (const char* order : {"wait", "move 1", "move 5"}) t.take(1, order);
  t.take(2, "move 63");
  CHECK(t.turn() == "1: turn 1 waited sector 0 credits 1000 cargo 0 0 0|"
                    "2: turn 1 moved sector 63 credits 1000 cargo 0 0 0|");
  CHECK(t.turn() == "1: turn 2 moved sector 1 credits 1000 cargo 0 0 0|");
  CHECK(t.turn() == "1: turn 3 error: no way leads there|");
  CHECK(t.turn() == "");
  for (int i = 0; i < 16; ++i) CHECK(t.take(1, "wait") == "");
  CHECK(t.take(1, "wait") == "1: error: 16 orders wait; one is carried out in each turn|");
}

TEST_CASE("goods are bought and sold at what is said") {
  table t;
  t.join(1, "a");
  CHECK(t.take(1, "look") == "1: sector 0 exits 1 63 3 ore 10 at 14 food 63 at 17 tools 35 at 46|");
  for (const char* order : {"buy ore 5", "buy ore 6", "buy tools 30", "buy gold 1", "buy ore 0",
                            "buy food 16", "sell ore 6", "sell ore 5", "buy tools 20"})
    t.take(1, order);
  CHECK(t.turn() == "1: turn 1 bought 5 at 14 sector 0 credits 930 cargo 5 0 0|");
  CHECK(t.turn() == "1: turn 2 error: there are only 5|");
  CHECK(t.turn() == "1: turn 3 error: trade 1 to 20 of it|");
  CHECK(t.turn() == "1: turn 4 error: there is ore, food and tools|");
  CHECK(t.turn() == "1: turn 5 error: trade 1 to 20 of it|");
  CHECK(t.turn() == "1: turn 6 error: there is no room for it|");
  CHECK(t.turn() == "1: turn 7 error: you have only 5|");
  CHECK(t.turn().starts_with("1: turn 8 sold 5 at 14 sector 0 credits 1000 cargo 0 0 0|"));
  CHECK(t.turn().starts_with("1: turn 9 bought 20 at 46 sector 0 credits 80 "));
  t.take(1, "move 1");
  t.turn();
  t.take(1, "sell tools 20");
  CHECK(t.turn().find(" error: ") == std::string::npos);
}

TEST_CASE("jumps are of version 2") {
  table t;
  t.join(1, "a");
  t.take(1, "jump 40");
  CHECK(t.turn() == "1: turn 1 error: this ship cannot jump|");
  world jumps(true);
  REQUIRE(jumps.load(t.played.save()) == "");
  jumps.players() = t.played.players();
  jumps.take(1, 10, "jump 40");
  jumps.turn();
  REQUIRE(jumps.letters.size() == 1);
  CHECK(jumps.letters[0].text == "turn 2 moved sector 40 credits 950 cargo 0 0 0\r\n");
}

TEST_CASE("what is said reaches all, and scores are told") {
  table t;
  t.join(1, "a");
  t.join(2, "b");
  CHECK(t.take(1, "say hi there") == "1: * a: hi there|2: * a: hi there|");
  t.take(1, "buy tools 1");
  t.turn();
  CHECK(t.take(2, "scores") == "2: scores b 1000 a 954|");
}

TEST_CASE("lines of who has gone are passed over") {
  table t;
  t.join(1, "a");
  t.played.take(1, 11, "look");
  t.played.leave(1, 11);
  CHECK(t.said() == "");
  CHECK(t.played.freed.empty());
}

TEST_CASE("a saved game goes on, and a damaged one is refused as a whole") {
  table t;
  t.join(1, "a");
  std::mt19937 random(3);
  for (int i = 0; i < 300; ++i) {
    t.take(1, std::string(random() % 2 ? "buy " : "sell ") +
                  std::string(world::names[random() % 3]) + " " + std::to_string(random() % 5 + 1));
    t.take(1, "move " + std::to_string(random() % 64));
    t.turn();
  }
  const auto text = t.played.save();
  world other(false);
  CHECK(other.load(text) == "");
  CHECK(other.save() == text);
  CHECK(other.turns() == 300);
  for (const char* wrong : {"x", "turn", "turn x\n", "stock 64 1 1 1\n", "stock 1 1 1\n",
                            "stock 1 1 1 101\n", "ship ! 1 1 0 0 0\n", "ship a 64 1 0 0 0\n",
                            "ship a 1 -1 0 0 0\n", "ship a 1 1 0 0 21\n"}) {
    world kept(false);
    REQUIRE(kept.load(text) == "");
    CHECK_MESSAGE(kept.load(wrong) != "", wrong);
    CHECK(kept.save() == text);
  }
  for (int i = 0; i < 2000; ++i) { // truncated, changed
    auto damaged = text.substr(0, random() % text.size());
    if (!damaged.empty()) damaged[random() % damaged.size()] = static_cast<char>(random());
    world any(false);
    any.load(damaged);
    CHECK(any.save().size() > 0);
  }
}
