#include "services/fake_context.hpp"
#include "services/kv/parse.hpp"
#include "services/kv_parts.hpp"
#include "services/sockets.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <vector>

using namespace instar;
using namespace instar::kv;
using instar::test::command;

namespace {

using strings = std::vector<std::string>;

settings values(std::int64_t max_open = 64) {
  settings s;
  s.set("max_bulk", std::int64_t{1 << 20});
  s.set("max_command", std::int64_t{1 << 22});
  s.set("max_args", std::int64_t{10'000});
  s.set("max_inline", std::int64_t{1000});
  s.set("max_open", max_open);
  return s;
}

struct fixture {
  test::driven_reactor sockets;
  test::fake_context ctx{sockets};
  parse tested{values()};
  test::connected one = test::connect(sockets);

  void give(operator_base& to, std::string_view text) {
    auto chunk = net::chunk::make(one.here, std::as_bytes(std::span(text)));
    to.on_packet(ctx, 0, {std::move(chunk), one.here->id()});
  }
  void give(std::string_view text) { give(tested, text); }

  static std::string show(const batch& b) {
    std::string all;
    for (const auto& c : b.commands()) {
      if (!all.empty()) all += " ";
      if (c.id == command_id::malformed) all += "malformed:";
      bool first = true;
      for (const auto a : b.args(c))
        all += (std::exchange(first, false) ? "" : "|") + std::string(a);
    }
    return b.place().last ? all + "." : all;
  }
  /// The batches emitted so far; they count as answered.
  strings batches() {
    strings all;
    for (const auto& b : ctx.take<batch>()) {
      all.push_back(show(*b));
      b->take_from().take()->close_request();
    }
    return all;
  }
};

} // namespace

TEST_CASE_FIXTURE(fixture, "the commands of a chunk are one batch, in turn") {
  give(command({"SET", "a", "1"}) + command({"GET", "a"}) + "*2\r\n$3\r\nGET\r\n$1\r\n");
  give("b\r\nPING\r\n");
  const auto made = ctx.take<batch>();
  REQUIRE(made.size() == 2);
  CHECK(show(*made[0]) == "SET|a|1 GET|a");
  CHECK(show(*made[1]) == "GET|b PING");
  CHECK(made[0]->place().turn == 0);
  CHECK(made[1]->place().turn == 1);
  CHECK(made[1]->commands()[0].id == command_id::get);
  CHECK(one.here->open_requests() == 2);
  for (const auto& b : made) b->take_from().take()->close_request();
}

TEST_CASE_FIXTURE(fixture, "commands arrive byte by byte, and any version goes on with them") {
  const auto text = command({"SET", "key", std::string(100, 'v')}) + "set 'a b' \"c\"\r\n";
  const strings expected{"SET|key|" + std::string(100, 'v'), "set|a b|c"};
  strings seen;
  for (const char c : text) {
    give({&c, 1});
    for (auto& b : batches()) seen.push_back(b);
  }
  CHECK(seen == expected);
  for (std::size_t cut = 1; cut < text.size(); ++cut) {
    parse before(values()), after(values());
    give(before, std::string_view(text).substr(0, cut));
    test::hand_over(before, parse::type, after, ctx);
    give(after, std::string_view(text).substr(cut));
    std::string all;
    for (const auto& b : batches()) all += b + ";";
    std::string wanted;
    for (const auto& e : expected) wanted += e + ";";
    // What came as one chunk is one batch.
    std::replace(all.begin(), all.end(), ' ', ';');
    std::replace(wanted.begin(), wanted.end(), ' ', ';');
    CHECK(all == wanted);
  }
}

TEST_CASE_FIXTURE(fixture, "bytes that are no command end the connection after what was good") {
  give(command({"SET", "a", "1"}) + "*1\r\n$x\r\n");
  CHECK(batches() == strings{"SET|a|1", "malformed:invalid bulk length."});
  CHECK(one.here->input_ended());
  give(command({"GET", "a"}));
  CHECK(batches().empty());
  one = test::connect(sockets);
  give("PI");
  give("NG\r\n*99999999\r\n");
  CHECK(batches() == strings{"PING", "malformed:invalid multibulk length."});
}

TEST_CASE_FIXTURE(fixture, "nothing is taken after QUIT") {
  give("PING\r\nQUIT\r\nPING\r\n");
  CHECK(batches() == strings{"PING QUIT."});
  CHECK(one.here->input_ended());
}

TEST_CASE_FIXTURE(fixture, "a connection with too much unanswered is paused, and goes on") {
  parse bounded(values(2));
  const auto held = sockets.watch(one.here, net::interest::reads, ctx.events());
  for (int i = 0; i < 5; ++i) give(bounded, "PING " + std::to_string(i) + "\r\n");
  auto first = ctx.take<batch>();
  CHECK(first.size() == 2);
  CHECK(one.here->paused());
  parse after(values(2)); // the pause is part of the state
  test::hand_over(bounded, parse::type, after, ctx);
  for (const auto& b : first) b->take_from().take()->close_request();
  REQUIRE(one.here->resume());
  sockets.post(*one.here, net::interest::resumes, net::ready::resumed);
  CHECK(ctx.give_events(after));
  CHECK(batches() == strings{"PING|2 PING|3 PING|4"});
  CHECK_FALSE(one.here->paused());
}

TEST_CASE_FIXTURE(fixture, "random bytes do no harm") {
  std::mt19937 random(5);
  const std::string alphabet = "*$123\r\n\"'GETSXx ";
  for (int i = 0; i < 3000; ++i) {
    one = test::connect(sockets);
    std::string text(random() % 100, ' ');
    for (auto& c : text) c = alphabet[random() % alphabet.size()];
    give(text);
    give(text);
    tested.on_packet(ctx, 0, {net::chunk::make_end(one.here), one.here->id()});
    batches();
  }
}

TEST_CASE("commands go to the lanes of their keys; with keys in several they are split") {
  lane_sorter sorted;
  const auto hash = [](std::string_view key) { return key_hash<std::string_view>()(key); };
  for (const std::size_t lanes : {1, 2, 3, 7}) {
    const auto lane_of = [&](std::uint64_t place) {
      return static_cast<std::size_t>((static_cast<unsigned __int128>(place) * lanes) >> 64);
    };
    for (std::size_t l = 0; l + 1 < lanes; ++l) {
      CHECK(lane_of(lane_end(l, lanes) - 1) == l);
      CHECK(lane_of(lane_end(l, lanes)) == l + 1);
    }
    sorted.begin(lanes);
    const auto add = [&](std::initializer_list<std::string_view> args) {
      for (const auto a : args) sorted.args().push_back(a);
      sorted.add(lane_of);
    };
    add({"MGET", "a", "b", "c", "d", "e"});
    add({"MSET", "a", "1", "b", "2", "c", "3"});
    add({"GET", "a"});
    add({"DBSIZE"});
    add({"MSET", "a"});
    CHECK(sorted.commands() == 5);
    std::size_t keys = 0, sizes = 0, others = 0;
    for (std::size_t l = 0; l < lanes; ++l) {
      const auto& lane = sorted.lanes()[l];
      for (const auto& c : lane.commands) {
        const auto args = std::span(lane.args).subspan(c.first, c.count);
        if (c.index == 0 || c.index == 1) {
          const std::size_t step = c.index == 0 ? 1 : 2;
          for (std::size_t i = 1; i < args.size(); i += step, ++keys)
            CHECK(lane_of(hash(args[i])) == l);
          if (c.count < 6 && lanes > 1) CHECK(c.how != joining::whole);
        }
        if (c.index == 2) CHECK(lane_of(hash("a")) == l);
        if (c.index == 3) ++sizes;
        if (c.index == 4) ++others;
      }
    }
    CHECK(keys == 8);
    CHECK(sizes == lanes);
    CHECK(others == 1);
  }
}
