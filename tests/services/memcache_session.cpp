// The commands of memcached, without threads and sockets.
#include "services/memcache/session.hpp"
#include "services/memcache/table.hpp"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <string_view>

using namespace instar::memcache;

namespace {

constexpr dialect first{"1", false}, second{"2", true};

struct world {
  table entries;
  session talk;
  dialect in = first;

  /// What is answered to that, with `|` for the ends of lines.
  std::string ask(std::string_view text) {
    for (const char c : text) talk.input += c == '|' ? std::string("\r\n") : std::string(1, c);
    talk.run(entries, in);
    std::string said;
    for (const char c : std::exchange(talk.output, {}))
      if (c != '\r') said += c == '\n' ? '|' : c;
    return said;
  }
};

} // namespace

TEST_CASE("values are stored and read with their flags") {
  world w;
  CHECK(w.ask("set a 5 0 3|abc|get a|") == "STORED|VALUE a 5 3|abc|END|");
  CHECK(w.ask("get a b a|") == "VALUE a 5 3|abc|VALUE a 5 3|abc|END|");
  CHECK(w.ask("get b|") == "END|");
  CHECK(w.ask("set a 4294967295 0 0||get a|") == "STORED|VALUE a 4294967295 0||END|");
  CHECK(w.ask("set a 0 0 4|a||b|get a|") ==
        "CLIENT_ERROR bad data chunk|ERROR|VALUE a 4294967295 0||END|");
  CHECK(w.ask("delete a|delete a|delete a 0|") == "DELETED|NOT_FOUND|NOT_FOUND|");
}

TEST_CASE("what is stored depends on what is there") {
  world w;
  CHECK(w.ask("replace a 0 0 1|x|append a 0 0 1|x|prepend a 0 0 1|x|") ==
        "NOT_STORED|NOT_STORED|NOT_STORED|");
  CHECK(w.ask("add a 7 0 1|x|add a 0 0 1|y|") == "STORED|NOT_STORED|");
  CHECK(w.ask("append a 1 0 2|yz|prepend a 1 0 1|w|get a|") ==
        "STORED|STORED|VALUE a 7 4|wxyz|END|");
  CHECK(w.ask("replace a 1 0 1|r|get a|") == "STORED|VALUE a 1 1|r|END|");
}

TEST_CASE("cas stores only if nobody was there meanwhile") {
  world w;
  CHECK(w.ask("cas a 0 0 1 1|x|") == "NOT_FOUND|");
  CHECK(w.ask("set a 0 0 1|x|gets a|") == "STORED|VALUE a 0 1 1|x|END|");
  CHECK(w.ask("cas a 0 0 1 1|y|cas a 0 0 1 1|z|gets a|") == "STORED|EXISTS|VALUE a 0 1 2|y|END|");
  CHECK(w.ask("cas a 0 0 1 x|") == "CLIENT_ERROR bad command line format|");
}

TEST_CASE("numbers are counted up and down") {
  world w;
  CHECK(w.ask("incr n 1|") == "NOT_FOUND|");
  CHECK(w.ask("set n 3 0 2|10|incr n 5|decr n 6|decr n 100|get n|") ==
        "STORED|15|9|0|VALUE n 3 1|0|END|");
  CHECK(w.ask("set n 0 0 20|18446744073709551615|incr n 2|") == "STORED|1|");
  CHECK(w.ask("incr n x|incr n -1|") == "CLIENT_ERROR invalid numeric delta argument|"
                                        "CLIENT_ERROR invalid numeric delta argument|");
  CHECK(w.ask("set n 0 0 1|x|incr n 1|") ==
        "STORED|CLIENT_ERROR cannot increment or decrement non-numeric value|");
}

TEST_CASE("entries expire when the clock says so") {
  world w;
  const auto now = w.entries.now();
  CHECK(w.ask("set a 0 10 1|x|set b 0 " + std::to_string(now + 10) +
              " 1|y|set c 0 -1 1|z|get a b c|") ==
        "STORED|STORED|STORED|VALUE a 0 1|x|VALUE b 0 1|y|END|");
  w.entries.tick(now + 9);
  CHECK(w.ask("get a b|touch b 100|touch c 1|") ==
        "VALUE a 0 1|x|VALUE b 0 1|y|END|TOUCHED|NOT_FOUND|");
  w.entries.tick(now + 10);
  CHECK(w.ask("get a b|") == "VALUE b 0 1|y|END|");
  CHECK(w.ask("flush_all 5|get b|") == "OK|VALUE b 0 1|y|END|");
  w.entries.tick(now + 15);
  CHECK(w.ask("get b|set b 0 0 1|n|get b|") == "END|STORED|VALUE b 0 1|n|END|");
  CHECK(w.ask("flush_all|get b|") == "OK|END|");
}

TEST_CASE("expired entries are cleared up by and by") {
  world w;
  for (int i = 0; i < 1000; ++i) w.ask("set k" + std::to_string(i) + " 0 5 1 noreply|x|");
  CHECK(w.entries.look().items == 1000);
  w.entries.tick(w.entries.now() + 5);
  for (std::size_t i = 0; i < table::shards; ++i) w.entries.reap();
  CHECK(w.entries.look().items == 0);
  CHECK(w.entries.look().bytes == 0);
}

TEST_CASE("the least recently used entries make room") {
  world w;
  w.entries.limit(table::shards * 4000, 3000);
  w.ask("set kept 0 0 100|" + std::string(100, 'x') + "|");
  for (int i = 0; i < 5000; ++i) {
    w.ask("set k" + std::to_string(i) + " 0 0 100 noreply|" + std::string(100, 'x') + "|");
    REQUIRE(w.ask("get kept|") != "END|");
  }
  const auto seen = w.entries.look();
  CHECK(seen.bytes <= table::shards * 4000);
  CHECK(seen.counted[static_cast<std::size_t>(count::evictions)] > 1000);
  CHECK(w.ask("get k0|") == "END|");
}

TEST_CASE("what is too large is refused, and so is what is no command") {
  world w;
  w.entries.limit(table::default_memory, 100);
  CHECK(w.ask("set a 0 0 1|x|set a 0 0 101|" + std::string(101, 'y') + "|get a|") ==
        "STORED|SERVER_ERROR object too large for cache|END|");
  CHECK(w.ask("bogus||get|set a 0 0|") == "ERROR|ERROR|ERROR|ERROR|");
  CHECK(w.ask("set a x 0 1|set a 0 0 -1|") ==
        "CLIENT_ERROR bad command line format|CLIENT_ERROR bad command line format|");
  const std::string key(251, 'k');
  CHECK(w.ask("get " + key + "|delete " + key + "|") ==
        "CLIENT_ERROR bad command line format|CLIENT_ERROR bad command line format|");
  CHECK(w.ask(std::string(70'000, 'x')) == "CLIENT_ERROR line too long|");
  CHECK(w.talk.closing);
}

TEST_CASE("noreply means no reply") {
  world w;
  CHECK(w.ask("set a 0 0 1 noreply|1|incr a 1 noreply|touch a 0 noreply|flush_all 100 noreply|"
              "verbosity 1 noreply|add a 0 0 1 noreply|x|get a|delete a noreply|get a|") ==
        "VALUE a 0 1|2|END|END|");
}

TEST_CASE("get and touch is of version 2") {
  world w;
  CHECK(w.ask("set a 0 0 1|x|gat 10 a|version|") == "STORED|ERROR|VERSION 1|");
  w.in = second;
  CHECK(w.ask("gat 10 a b|gats 10 a|gat x a|version|") ==
        "VALUE a 0 1|x|END|VALUE a 0 1 1|x|END|CLIENT_ERROR invalid exptime argument|VERSION 2|");
  w.entries.tick(w.entries.now() + 10);
  CHECK(w.ask("get a|") == "END|");
}

TEST_CASE("answers do not depend on how the bytes were cut") {
  const std::string text = "set a 1 0 6|12|45|get a|bogus|append a 0 0 4|6|8|set b 0 0 200|" +
                           std::string(200, 'z') + "|get a b|incr a 1|delete a|";
  world whole;
  whole.entries.limit(table::default_memory, 100);
  const auto expected = whole.ask(text);
  CHECK(expected.find("too large") != expected.npos);
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    world w;
    w.entries.limit(table::default_memory, 100);
    std::string said;
    for (std::size_t at = 0; at < text.size();) {
      const auto size = round == 0 ? 1 : random() % 40;
      said += w.ask(text.substr(at, size));
      at += size;
    }
    CHECK(said == expected);
  }
}

TEST_CASE("a client that does not read has its answers later") {
  world w;
  w.ask("set a 0 0 100000|" + std::string(100'000, 'x') + "|");
  w.talk.input = "get a a a a a a a a\r\nget b\r\n";
  std::size_t bytes = 0;
  std::string last;
  for (int turns = 0; turns < 20 && !(w.talk.input.empty() && w.talk.output.empty()); ++turns) {
    w.talk.run(w.entries, first);
    CHECK(w.talk.output.size() < session::most_output + 101'000);
    last = std::exchange(w.talk.output, {});
    bytes += last.size();
  }
  CHECK(bytes == 8 * (100'000 + std::string_view("VALUE a 0 100000\r\n\r\n").size()) + 10);
  CHECK(last.ends_with("END\r\nEND\r\n"));
}

TEST_CASE("statistics say what has happened") {
  world w;
  w.ask("set a 0 0 1|x|get a|get b|delete c|");
  const auto said = w.ask("stats|");
  for (const char* line : {"STAT cmd_set 1|", "STAT get_hits 1|", "STAT get_misses 1|",
                           "STAT delete_misses 1|", "STAT curr_items 1|", "STAT version 1|"})
    CHECK_MESSAGE(said.find(line) != said.npos, line);
  CHECK(said.ends_with("|END|"));
  CHECK(w.ask("stats reset|") == "RESET|");
  CHECK(w.ask("stats|").find("STAT cmd_set 0|") != std::string::npos);
  CHECK(w.ask("stats settings|").find("STAT item_size_max 1048576|") != std::string::npos);
}
