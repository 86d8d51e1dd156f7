#include "services/fake_context.hpp"
#include "services/file/handle.hpp"
#include "services/http/reply_v1.hpp"
#include "services/http/reply_v2.hpp"
#include "services/sockets.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

using namespace instar;
using namespace instar::http;
using instar::test::connected;
using instar::test::eventually;
using instar::test::fake_context;

namespace {

std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 2654435761u >> 13);
  return text;
}

payload_ptr<file::handle> file_with(std::string_view text) {
  const int fd = ::open(std::filesystem::temp_directory_path().c_str(), O_TMPFILE | O_RDWR, 0600);
  REQUIRE(fd >= 0);
  REQUIRE(::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  return make_payload<file::handle>(fd);
}

const settings values = [] {
  settings s;
  s.set("write_timeout", std::int64_t{1'000'000'000});
  return s;
}();

struct fixture {
  test::driven_reactor sockets;
  fake_context ctx{sockets};

  connected connect() {
    auto made = test::connect(sockets);
    const int small = 4096;
    ::setsockopt(made.here->fd(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    return made;
  }

  payload_ptr<response> make(const connected& to, std::string_view head, http::body body = {},
                             bool keep_alive = true) {
    auto made =
        make_payload<response>(net::open_request(to.here), request_line{.keep_alive = keep_alive});
    std::memcpy(made->head_room().data(), head.data(), head.size());
    made->set_head_size(head.size());
    made->body = std::move(body);
    return made;
  }
  static http::body memory(std::string_view text) {
    return http::body(net::buffer::copy(std::as_bytes(std::span(text))));
  }
  static http::body file(std::string_view text, std::uint64_t offset = 0) {
    return http::body(file_with(text), offset, text.size() - offset);
  }
  void give(operator_base& to, payload_ptr<response> what) {
    const auto key = what->from->id();
    to.on_packet(ctx, 0, {std::move(what), key});
  }

  /// Reads until `size` bytes have come in all, slowly enough that the sender has to wait.
  std::string receive(operator_base& from, connected& at, std::size_t size) {
    std::string text;
    eventually([&] {
      ctx.give_events(from);
      text += at.peer.receive(32 * 1024);
      return text.size() >= size || at.peer.ended();
    });
    return text;
  }
};

} // namespace

TEST_CASE_FIXTURE(fixture, "head and body leave at once, and the request is closed") {
  for (const bool v2 : {false, true}) {
    std::unique_ptr<operator_base> tested;
    if (v2) tested = std::make_unique<reply_v2>(values);
    else tested = std::make_unique<reply_v1>(values);
    tested->on_start(ctx);
    auto one = connect();
    give(*tested, make(one, "head", memory("body")));
    CHECK(one.peer.receive() == "headbody");
    CHECK(one.here->open_requests() == 0);
    give(*tested, make(one, "only"));
    CHECK(one.peer.receive() == "only");
    CHECK_FALSE(one.here->finished());
  }
}

TEST_CASE_FIXTURE(fixture, "the last answer of a connection ends it") {
  reply_v1 tested(values);
  tested.on_start(ctx);
  auto one = connect();
  give(tested, make(one, "bye", {}, false));
  CHECK(one.peer.receive() == "bye");
  one.peer.receive();
  CHECK(one.peer.ended());
}

TEST_CASE_FIXTURE(fixture, "answers of one connection keep their order, whatever their bodies") {
  reply_v2 tested(values);
  tested.on_start(ctx);
  auto one = connect();
  const auto large = pattern(50'000), small = pattern(100);
  std::vector<payload_ptr<response>> answers;
  for (int i = 0; i < 3; ++i) {
    answers.push_back(make(one, "<m>", memory(large)));
    answers.push_back(make(one, "<n>"));
    answers.push_back(make(one, "<f>", file(small, 40)));
    answers.push_back(make(one, "<g>", file(large)));
  }
  for (auto& a : answers) give(tested, std::move(a));
  tested.on_activation_end(ctx);
  std::string expected;
  for (int i = 0; i < 3; ++i)
    expected += "<m>" + large + "<n><f>" + small.substr(40) + "<g>" + large;
  CHECK(receive(tested, one, expected.size()) == expected);
  CHECK(one.here->open_requests() == 0);
}

TEST_CASE_FIXTURE(fixture, "a slow reader holds up nobody else") {
  reply_v1 tested(values);
  tested.on_start(ctx);
  auto slow = connect(), quick = connect();
  const auto large = pattern(2'000'000);
  give(tested, make(slow, "slow", memory(large)));
  give(tested, make(quick, "quick", memory("!")));
  CHECK(quick.peer.receive() == "quick!");
  tested.on_activation_end(ctx);
  CHECK(slow.here->open_requests() == 1);
  CHECK(tested.not_yet(ctx, cut_purpose::removal).has_value());
  CHECK_FALSE(tested.not_yet(ctx, cut_purpose::hand_over).has_value());
  CHECK(receive(tested, slow, large.size() + 4) == "slow" + large);
  CHECK_FALSE(tested.not_yet(ctx, cut_purpose::removal).has_value());
  CHECK(sockets.registered() == 0);
}

TEST_CASE_FIXTURE(fixture, "short answers go before long ones, of which not all go at once") {
  reply_v2 tested(values);
  tested.on_start(ctx);
  const auto text = pattern(200'000);
  std::vector<connected> longs;
  for (int i = 0; i < 7; ++i) {
    auto one = test::connect(sockets);
    const int enough = 400'000;
    ::setsockopt(one.here->fd(), SOL_SOCKET, SO_SNDBUF, &enough, sizeof enough);
    give(tested, make(one, "long", memory(text)));
    longs.push_back(std::move(one));
  }
  auto brief = connect();
  give(tested, make(brief, "short"));
  CHECK(brief.peer.receive() == "short");
  for (auto& one : longs) CHECK(one.here->open_requests() == 1);
  tested.on_activation_end(ctx);
  CHECK(longs[0].here->open_requests() == 0);
  CHECK(longs.back().here->open_requests() == 1); // in the next activation
  CHECK(receive(tested, longs.back(), text.size() + 4) == "long" + text);
  for (auto& one : longs) CHECK(one.here->open_requests() == 0);
}

TEST_CASE_FIXTURE(fixture, "a peer that goes away loses its answers, and only its connection") {
  reply_v2 tested(values);
  tested.on_start(ctx);
  auto gone = connect(), other = connect();
  give(tested, make(gone, "x", memory(pattern(1'000'000))));
  give(tested, make(gone, "y", file(pattern(1'000))));
  tested.on_activation_end(ctx);
  gone.peer.close();
  CHECK(eventually([&] {
    ctx.give_events(tested);
    return gone.here->open_requests() == 0;
  }));
  CHECK_FALSE(tested.not_yet(ctx, cut_purpose::removal).has_value());
  give(tested, make(gone, "z"));
  CHECK(gone.here->open_requests() == 0);
  give(tested, make(other, "ok"));
  CHECK(other.peer.receive() == "ok");
}

TEST_CASE_FIXTURE(fixture, "a file that became shorter breaks the connection off") {
  reply_v2 tested(values);
  tested.on_start(ctx);
  auto one = connect();
  auto of = file_with(pattern(1'000));
  give(tested, make(one, "head", http::body(of, 0, 2'000)));
  CHECK(eventually([&] {
    ctx.give_events(tested);
    one.peer.receive();
    return one.peer.ended();
  }));
  CHECK(one.here->open_requests() == 0);
}

TEST_CASE_FIXTURE(fixture,
                  "a reader that takes nothing for too long is broken off, also by a successor") {
  reply_v2 tested(values);
  tested.on_start(ctx);
  auto stuck = connect();
  give(tested, make(stuck, "x", memory(pattern(1'000'000))));
  tested.on_activation_end(ctx);
  REQUIRE(ctx.timers.size() == 1);
  tested.on_timer(ctx, 0);
  CHECK(stuck.here->open_requests() == 1);
  state_writer writer({"http.reply", 2, reply::state_schema, 1});
  tested.save(writer);
  const auto saved = writer.finish();
  state_writer aged({"http.reply", 2, reply::state_schema, 1});
  auto from = state_reader(saved).root<ReplyState>().getOutputs();
  auto to = aged.init<ReplyState>().initOutputs(from.size());
  to.setWithCaveats(0, from[0]);
  to[0].setStuck(10'000);
  const auto old = aged.finish();
  reply_v1 later(values);
  state_reader reader(old);
  later.restore(ctx, reader);
  later.on_start(ctx);
  later.on_timer(ctx, 0);
  CHECK(stuck.here->finished());
  CHECK_FALSE(later.not_yet(ctx, cut_purpose::removal).has_value());
}

TEST_CASE_FIXTURE(fixture,
                  "a part of bytes, and a head that is longer than its room, are handed over") {
  reply_v1 before(values), after(values);
  before.on_start(ctx);
  auto one = connect();
  const auto large = pattern(1'000'000);
  give(before, make(one, "x", memory(large)));
  auto second = make(one, "");
  const auto head = pattern(5'000);
  second->set_long_head(head);
  const std::string digits = "0123456789";
  second->body = http::body(net::buffer::copy(std::as_bytes(std::span(digits))), 2, 5);
  give(before, std::move(second));
  auto third = make(one, "y");
  third->body = http::body(net::buffer::copy(std::as_bytes(std::span(large))), 1'000, 500'000);
  give(before, std::move(third));
  before.on_activation_end(ctx);
  test::hand_over(before, reply_v1::type, after, ctx);
  after.on_start(ctx);
  const auto expected = "x" + large + head + "23456" + "y" + large.substr(1'000, 500'000);
  CHECK(receive(after, one, expected.size()) == expected);
}

TEST_CASE_FIXTURE(fixture, "the last answer to a paused connection resumes it") {
  reply_v1 tested(values);
  tested.on_start(ctx);
  auto one = connect();
  const auto held = sockets.watch(one.here, net::interest::resumes, ctx.events());
  auto first = make(one, "1"), second = make(one, "2");
  one.here->pause();
  give(tested, std::move(first));
  tested.on_activation_end(ctx);
  CHECK(one.here->paused());
  give(tested, std::move(second));
  CHECK_FALSE(one.here->paused());
  std::vector<event> events;
  REQUIRE(ctx.events()->take(events));
  CHECK(events[0].value == net::ready::resumed);
}

TEST_CASE_FIXTURE(fixture, "half-written answers go from version to version without loss") {
  const auto large = pattern(3'000'000), medium = pattern(3'000);
  auto one = connect(), two = connect();
  std::unique_ptr<operator_base> now = std::make_unique<reply_v2>(values);
  now->on_start(ctx);
  std::string expected_one, expected_two, seen_one, seen_two;
  std::vector<payload_ptr<response>> answers;
  answers.push_back(make(one, "<file>", file(large, 11)));
  answers.push_back(make(one, "<memory>", memory(large)));
  answers.push_back(make(one, "<small>", memory(medium)));
  answers.push_back(make(one, "<end>", {}, false));
  answers.push_back(make(two, "<other>", file(large)));
  expected_one = "<file>" + large.substr(11) + "<memory>" + large + "<small>" + medium + "<end>";
  expected_two = "<other>" + large;
  for (auto& a : answers) give(*now, std::move(a));
  now->on_activation_end(ctx);
  answers.clear();

  bool v2 = true;
  int hand_overs = 0;
  CHECK(eventually([&] {
    ctx.give_events(*now);
    seen_one += one.peer.receive(100'000);
    seen_two += two.peer.receive(70'000);
    std::unique_ptr<operator_base> next;
    if (v2) next = std::make_unique<reply_v1>(values);
    else next = std::make_unique<reply_v2>(values);
    test::hand_over(*now, v2 ? reply_v2::type : reply_v1::type, *next, ctx);
    v2 = !v2;
    if (hand_overs++ % 3 == 2) { // rolled back: the old version goes on
      next.reset();
      v2 = !v2;
    } else {
      now = std::move(next);
      now->on_start(ctx);
    }
    return seen_one.size() >= expected_one.size() && seen_two.size() >= expected_two.size();
  }));
  CHECK(hand_overs > 10);
  CHECK(seen_one == expected_one);
  CHECK(seen_two == expected_two);
  CHECK(one.here->open_requests() == 0);
  CHECK(two.here->open_requests() == 0);
  CHECK(one.here->finished());
  now->on_activation_end(ctx);
  CHECK(sockets.kept().size() == 0);
  CHECK(sockets.registered() == 0);
}

TEST_CASE_FIXTURE(fixture, "after a rollback nothing is kept for a successor any more") {
  reply_v2 tested(values), successor(values);
  tested.on_start(ctx);
  auto one = connect();
  give(tested, make(one, "x", memory(pattern(1'000'000))));
  test::hand_over(tested, reply_v2::type, successor, ctx);
  CHECK(sockets.kept().size() == 1);
  tested.on_activation_end(ctx);
  CHECK(sockets.kept().size() == 0);
}

TEST_CASE_FIXTURE(fixture, "state that names what is not there is refused") {
  reply_v1 tested(values);
  state_writer writer({"http.reply", 1, reply::state_schema, 1});
  auto one = connect();
  const auto held = sockets.watch(one.here, net::interest::writes, ctx.events());
  auto output = writer.init<ReplyState>().initOutputs(1)[0];
  output.setConnection(one.here->id());
  auto entry = output.initResponses(1)[0];
  auto kept = entry.getBody().initHeld();
  kept.setId(4711);
  kept.setSize(1);
  const auto saved = writer.finish();
  state_reader reader(saved);
  CHECK_THROWS(tested.restore(ctx, reader));
}
