#include "services/fake_context.hpp"
#include "services/kv/join.hpp"
#include "services/kv/reply.hpp"
#include "services/kv/reply_text.hpp"
#include "services/kv_parts.hpp"
#include "services/sockets.hpp"

#include <doctest/doctest.h>

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <memory>
#include <random>
#include <string>
#include <vector>

using namespace instar;
using namespace instar::kv;
using instar::test::connected;
using instar::test::eventually;

namespace {

settings values(std::int64_t max_unread = 1 << 30) {
  settings s;
  s.set("max_unread", max_unread);
  return s;
}

struct fixture {
  test::driven_reactor sockets;
  test::fake_context ctx{sockets};

  connected connect() {
    auto made = test::connect(sockets);
    const int small = 4096;
    ::setsockopt(made.here->fd(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    return made;
  }
  static payload_ptr<replies> make(const connected& to, std::uint32_t turn, std::string_view text,
                                   std::uint16_t parts = 1, bool last = false) {
    auto made = replies::make(net::open_request(to.here), {turn, parts, last}, 8);
    reply_text(*made).raw(text);
    return made;
  }
  void give(operator_base& to, payload_ptr<replies> what) {
    const auto key = what->from()->id();
    to.on_packet(ctx, 0, {std::move(what), key});
  }
};

std::string lines(std::size_t from, std::size_t to) {
  std::string text;
  for (; from < to; ++from) text += ":" + std::to_string(from) + "\r\n";
  return text;
}

} // namespace

TEST_CASE_FIXTURE(fixture, "answers leave at once, the last one ends the connection") {
  reply tested(values());
  tested.on_start(ctx);
  auto one = connect();
  give(tested, make(one, 0, "+OK\r\n"));
  CHECK(one.peer.receive() == "+OK\r\n");
  CHECK(one.here->open_requests() == 0);
  CHECK_FALSE(one.here->finished());
  give(tested, make(one, 1, "+BYE\r\n", 1, true));
  CHECK(one.peer.receive() == "+BYE\r\n");
  one.peer.receive();
  CHECK(one.peer.ended());
}

TEST_CASE_FIXTURE(fixture, "answers are written in turn, in whatever order they come") {
  std::mt19937 random(1);
  for (int round = 0; round < 50; ++round) {
    std::unique_ptr<operator_base> tested = std::make_unique<reply>(values());
    tested->on_start(ctx);
    auto one = connect();
    std::vector<payload_ptr<replies>> all;
    std::size_t at = 0;
    for (std::uint32_t turn = 0; turn < 20; ++turn) {
      const auto parts = static_cast<std::uint16_t>(random() % 3 + 1);
      std::vector<payload_ptr<replies>> of;
      for (std::uint16_t p = 0; p < parts; ++p) of.push_back(make(one, turn, "", parts));
      for (std::uint32_t index = 0; index < 5; ++index, ++at) {
        auto& to = *of[random() % parts];
        const auto text = lines(at, at + 1);
        reply_text(to).raw(text);
        if (parts > 1)
          to.parts.push_back({index, 0, static_cast<std::uint32_t>(text.size()), joining::whole});
      }
      for (auto& r : of) all.push_back(std::move(r));
    }
    std::shuffle(all.begin(), all.end(), random);
    for (std::size_t i = 0; i < all.size(); ++i) {
      give(*tested, std::move(all[i]));
      tested->on_activation_end(ctx);
      if (i % 7 != 3) continue; // another instance goes on with what waits
      auto next = std::make_unique<reply>(values());
      test::hand_over(*tested, reply::type, *next, ctx);
      tested = std::move(next);
      tested->on_start(ctx);
    }
    std::string seen;
    eventually([&] {
      ctx.give_events(*tested);
      seen += one.peer.receive();
      return seen.size() >= lines(0, at).size();
    });
    CHECK(seen == lines(0, at));
    CHECK(one.here->open_requests() == 0);
    CHECK_FALSE(tested->not_yet(ctx, cut_purpose::removal).has_value());
  }
  CHECK(sockets.kept().size() == 0);
}

TEST_CASE_FIXTURE(fixture, "parts of one command become one answer") {
  auto one = connect();
  const auto part = [&](std::vector<std::pair<reply_part, std::string>> pieces) {
    auto made = make(one, 0, "", 2);
    for (auto& [about, text] : pieces) {
      about.size = static_cast<std::uint32_t>(text.size());
      made->parts.push_back(about);
      reply_text(*made).raw(text);
    }
    return made;
  };
  using enum joining;
  const std::array both{part({{{0, 1, 0, arrays}, "*1\r\n$1\r\nb\r\n"},
                              {{1, 0, 0, sum}, ":3\r\n"},
                              {{2, 0, 0, status}, "+OK\r\n"},
                              {{3, 1, 0, sum}, "-ERR no\r\n"},
                              {{5, 1, 0, arrays}, "*0\r\n"}}),
                        part({{{0, 0, 0, arrays}, "*1\r\n$-1\r\n"},
                              {{0, 2, 0, arrays}, "*1\r\n$1\r\nc\r\n"},
                              {{1, 1, 0, sum}, ":4\r\n"},
                              {{2, 1, 0, status}, "+OK\r\n"},
                              {{3, 0, 0, sum}, ":1\r\n"},
                              {{4, 0, 0, whole}, "$0\r\n\r\n"},
                              {{5, 0, 0, arrays}, "*2\r\n$1\r\nx\r\n$1\r\ny\r\n"}})};
  CHECK(one.here->open_requests() == 2);
  const auto joined = join(both);
  CHECK(test::show_all(joined->text()) == "[nil 'b' 'c'] :7 OK -ERR no '' ['x' 'y']");
  CHECK(one.here->open_requests() == 1);
  joined->from().take()->close_request();
}

TEST_CASE_FIXTURE(fixture, "what several stores have counted is added") {
  auto one = connect();
  const auto part = [&](std::uint32_t number, const std::string& keys) {
    auto made = make(one, 0, "", 1);
    reply_text(*made).bulk("# Server\r\nstore_version:5\r\n\r\n# Stats\r\nkeyspace_hits:" +
                           std::to_string(number * 10) + "\r\n\r\n# Keyspace\r\n" + keys);
    made->parts.push_back(
        {0, number, static_cast<std::uint32_t>(made->text().size()), joining::report});
    return made;
  };
  const std::array some{part(0, ""), part(1, "db0:keys=4\r\n"), part(2, "db0:keys=3\r\n")};
  const auto joined = join(some);
  CHECK(test::show_all(joined->text()) ==
        "'# Server\r\nstore_version:5\r\n\r\n# Stats\r\nkeyspace_hits:30\r\n\r\n# Keyspace\r\n"
        "db0:keys=7\r\n'");
  joined->from().take()->close_request();
}

TEST_CASE_FIXTURE(fixture, "a slow reader holds up nobody, and is followed by any version") {
  std::unique_ptr<operator_base> tested = std::make_unique<reply>(values());
  tested->on_start(ctx);
  auto slow = connect(), quick = connect();
  const auto large = lines(0, 200'000);
  give(*tested, make(slow, 0, large));
  give(*tested, make(slow, 1, "+END\r\n", 1, true));
  give(*tested, make(quick, 0, "+OK\r\n"));
  tested->on_activation_end(ctx);
  CHECK(quick.peer.receive() == "+OK\r\n");
  CHECK(tested->not_yet(ctx, cut_purpose::removal).has_value());
  std::string seen;
  int hand_overs = 0;
  eventually([&] {
    ctx.give_events(*tested);
    seen += slow.peer.receive(50'000);
    auto next = std::make_unique<reply>(values());
    test::hand_over(*tested, reply::type, *next, ctx);
    if (hand_overs++ % 3 == 2) { // rolled back: the old version goes on
      next.reset();
      tested->on_activation_end(ctx);
    } else {
      tested = std::move(next);
      tested->on_start(ctx);
    }
    return seen.size() >= large.size() + 6;
  });
  CHECK(hand_overs > 10);
  CHECK(seen == large + "+END\r\n");
  CHECK(slow.here->open_requests() == 0);
  CHECK(slow.here->finished());
}

TEST_CASE_FIXTURE(fixture, "who leaves too much unread is cut off") {
  reply tested(values(100'000));
  tested.on_start(ctx);
  auto two = connect();
  for (std::uint32_t turn = 0; turn < 2; ++turn) {
    CHECK_FALSE(two.here->finished());
    give(tested, make(two, turn, lines(0, 10'000)));
    tested.on_activation_end(ctx);
  }
  CHECK(two.here->finished());
  CHECK(two.here->open_requests() == 0);
  auto one = connect();
  give(tested, make(one, 0, lines(0, 100'000)));
  tested.on_activation_end(ctx);
  CHECK(one.here->finished());
  CHECK(one.here->open_requests() == 0);
  CHECK_FALSE(tested.not_yet(ctx, cut_purpose::removal).has_value());
}

TEST_CASE_FIXTURE(fixture, "what a lost connection still waited for is forgotten") {
  reply tested(values());
  tested.on_start(ctx);
  auto gone = connect(), other = connect();
  give(tested, make(gone, 1, "+LATE\r\n"));
  { auto never_comes = make(gone, 0, "+FIRST\r\n"); } // its operator has lost it
  CHECK(gone.here->finished());
  for (std::uint32_t i = 0; i < 200; ++i) {
    give(tested, make(other, i, "+OK\r\n"));
    other.peer.receive();
    tested.on_activation_end(ctx);
  }
  CHECK(gone.here->open_requests() == 0);
  CHECK_FALSE(tested.not_yet(ctx, cut_purpose::removal).has_value());
}
