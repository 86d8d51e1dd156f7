#include "services/fake_context.hpp"
#include "services/http/parse.hpp"
#include "services/sockets.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <vector>

using namespace instar;
using namespace instar::http;
using instar::test::fake_context;

namespace {

settings values(std::int64_t max_pipelined = 64) {
  settings s;
  s.set("max_head", std::int64_t{16 * 1024});
  s.set("max_target", std::int64_t{4096});
  s.set("max_body", std::int64_t{65536});
  s.set("max_pipelined", max_pipelined);
  s.set("whole", false);
  s.set("head_timeout", std::int64_t{1'000'000'000});
  s.set("body_timeout", std::int64_t{1'000'000'000});
  return s;
}

struct fixture {
  test::driven_reactor sockets;
  fake_context ctx{sockets};
  parse tested{values()};
  test::connected one = test::connect(sockets);

  void give(operator_base& to, std::string_view text) { give(to, one, text); }
  void give(std::string_view text) { give(tested, one, text); }
  void give(operator_base& to, const test::connected& from, std::string_view text) {
    auto chunk = net::chunk::make(from.here, std::as_bytes(std::span(text)));
    to.on_packet(ctx, 0, {std::move(chunk), from.here->id()});
  }

  /// The requests emitted so far: their targets, or the statuses with which they are refused.
  std::vector<std::string> requests() {
    std::vector<std::string> out;
    for (const auto& r : ctx.take<request>()) {
      out.push_back(r->line().refused ? std::to_string(r->line().refused)
                                      : std::string(r->target()));
      answer(*r);
    }
    return out;
  }
  void answer(request& r) { r.take_from().take()->close_request(); }
};

using strings = std::vector<std::string>;

std::string get(const std::string& target) {
  return "GET " + target + " HTTP/1.1\r\nHost: h\r\n\r\n";
}

} // namespace

TEST_CASE_FIXTURE(fixture, "pipelined requests come out in their order") {
  give(get("/1") + get("/2") + get("/3"));
  CHECK(requests() == strings{"/1", "/2", "/3"});
}

TEST_CASE_FIXTURE(fixture, "a request may arrive byte by byte") {
  for (const char c : get("/slow") + get("/next")) give({&c, 1});
  CHECK(requests() == strings{"/slow", "/next"});
}

TEST_CASE_FIXTURE(fixture, "however the bytes are cut, the requests are the same") {
  std::mt19937 random(3);
  const std::string stream = get("/a") +
                             "POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 7\r\n\r\nGET /no" +
                             "\r\n" + get("/c") + "HEAD /d HTTP/1.1\r\nHost: h\r\n\r\n";
  for (int i = 0; i < 500; ++i) {
    for (std::string_view left = stream; !left.empty();) {
      const auto n = std::min<std::size_t>(random() % 40 + 1, left.size());
      give(left.substr(0, n));
      left.remove_prefix(n);
    }
    CHECK(requests() == strings{"/a", "405", "/c", "/d"});
  }
}

TEST_CASE_FIXTURE(fixture, "connections do not mix") {
  auto other = test::connect(sockets);
  give("GET /on");
  give(tested, other, get("/other"));
  give("e HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(requests() == strings{"/other", "/one"});
}

TEST_CASE_FIXTURE(fixture, "after a request that ends the connection nothing more is taken") {
  give("GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n" + get("/late"));
  give(get("/later"));
  CHECK(requests() == strings{"/last"});
  CHECK(one.here->input_ended());
}

TEST_CASE_FIXTURE(fixture, "garbage is refused once, after what came before it") {
  give(get("/good") + "\x01\x02 garbage\r\n\r\n" + get("/late"));
  CHECK(requests() == strings{"/good", "400"});
}

TEST_CASE_FIXTURE(fixture, "a request that grows without end is refused and forgotten") {
  give("GET / HTTP/1.1\r\n");
  for (int i = 0; i < 1000; ++i) give("A-Field: with some value in it\r\n");
  CHECK(requests() == strings{"431"});
  test::connected other = test::connect(sockets);
  std::swap(one, other);
  for (int i = 0; i < 1000; ++i) give("GET/GET/GET/");
  CHECK(requests() == strings{"414"});
}

TEST_CASE_FIXTURE(fixture, "an incomplete request ends with its connection") {
  give("GET /half HTTP/1.1\r\nHo");
  tested.on_packet(ctx, 0, {net::chunk::make_end(one.here), one.here->id()});
  CHECK(requests().empty());
}

TEST_CASE_FIXTURE(fixture, "a request that is half here is taken over by another version") {
  const auto whole = get("/moved");
  for (std::size_t cut = 1; cut < whole.size(); ++cut) {
    parse before(values()), after(values());
    give(before, whole.substr(0, cut));
    test::hand_over(before, parse::type, after, ctx);
    give(after, whole.substr(cut));
    CHECK(requests() == strings{"/moved"});
  }
}

TEST_CASE_FIXTURE(fixture, "a body that is half skipped is taken over, too") {
  parse before(values()), after(values());
  give(before, "GET /a HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n12345");
  test::hand_over(before, parse::type, after, ctx);
  give(after, "67890" + get("/b"));
  CHECK(requests() == strings{"/a", "/b"});
}

TEST_CASE_FIXTURE(fixture, "a body in chunks is taken over wherever it is cut") {
  const auto whole = "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                     "3;x=y\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\nT: v\r\n\r\n" +
                     get("/b");
  for (std::size_t cut = 1; cut < whole.size(); ++cut) {
    parse before(values()), after(values());
    give(before, whole.substr(0, cut));
    test::hand_over(before, parse::type, after, ctx);
    give(after, whole.substr(cut));
    CHECK(requests() == strings{"405", "/b"});
  }
}

TEST_CASE_FIXTURE(fixture, "a request goes on when its body is complete") {
  give("GET /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab");
  CHECK(requests().empty());
  give("c\r\n0\r\n\r\n");
  CHECK(requests() == strings{"/a"});
  give("GET /b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd");
  CHECK(requests() == strings{"400"});
  CHECK(one.here->input_ended());
}

TEST_CASE_FIXTURE(fixture, "leave to send a body is given once, and only when it is waited for") {
  const std::string head =
      "GET /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
  give(head);
  CHECK(requests() == strings{"100"});
  give("ab");
  CHECK(requests().empty());
  give("c" + head + "abc");
  CHECK(requests() == strings{"/a", "/a"});
}

TEST_CASE_FIXTURE(fixture, "a request that does not come to its end in time is refused") {
  const auto held = sockets.watch(one.here, net::interest::reads, ctx.events());
  const auto waits = [&](parse& where) { // as if hours had passed
    state_writer writer({"http.parse", 1, parse::type.state_schema, 1});
    where.save(writer);
    auto saved = writer.finish();
    state_writer aged({"http.parse", 1, parse::type.state_schema, 1});
    auto from = state_reader(saved).root<ParseState>().getPartials();
    auto to = aged.init<ParseState>().initPartials(from.size());
    for (unsigned i = 0; i < from.size(); ++i) {
      to.setWithCaveats(i, from[i]);
      to[i].setAge(10'000);
    }
    const auto old = aged.finish();
    auto later = std::make_unique<parse>(values());
    state_reader reader(old);
    later->restore(ctx, reader);
    return later;
  };
  SUBCASE("in its head") { give("GET / HT"); }
  SUBCASE("in its body") { give("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\na"); }
  SUBCASE("in its chunks") {
    give("GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
  }
  CHECK(ctx.timers.size() == 1);
  tested.on_timer(ctx, 0);
  CHECK(requests().empty()); // is in time
  auto later = waits(tested);
  later->on_start(ctx);
  later->on_timer(ctx, 0);
  CHECK(requests() == strings{"408"});
  CHECK(one.here->input_ended());
  const auto timers = ctx.timers.size();
  later->on_timer(ctx, 0);
  CHECK(ctx.timers.size() == timers); // nobody is left to look for
}

TEST_CASE_FIXTURE(fixture, "a connection with too many open requests is paused until it has none") {
  parse bounded(values(2));
  auto held = sockets.watch(one.here, net::interest::reads, ctx.events());
  give(bounded, get("/1") + get("/2") + get("/3") + get("/4") + get("/5") + "GET /6");
  auto first = ctx.take<request>();
  REQUIRE(first.size() == 2);
  CHECK(one.here->paused());
  give(bounded, " HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(ctx.emitted.empty());

  parse after(values(2)); // the pause is part of the state
  test::hand_over(bounded, parse::type, after, ctx);

  strings seen;
  for (int round = 0; round < 2; ++round) {
    for (auto& r : first) answer(*r);
    first.clear();
    REQUIRE(one.here->resume());
    sockets.post(*one.here, net::interest::resumes, net::ready::resumed);
    std::vector<event> events;
    ctx.events()->take(events);
    after.on_events(ctx, std::span(events.data(), 1));
    first = ctx.take<request>();
    for (const auto& r : first) seen.emplace_back(r->target());
  }
  CHECK(seen == strings{"/3", "/4", "/5", "/6"});
  CHECK_FALSE(one.here->paused());
  for (auto& r : first) answer(*r);
}

TEST_CASE_FIXTURE(fixture, "random bytes are refused or waited for, never worse") {
  std::mt19937 random(5);
  const std::string alphabet = "GET /HTP1.\r\n: \0\xff";
  for (int i = 0; i < 2000; ++i) {
    one = test::connect(sockets);
    std::string text(random() % 200, ' ');
    for (auto& c : text) c = alphabet[random() % alphabet.size()];
    give(text);
    give(text);
    tested.on_packet(ctx, 0, {net::chunk::make_end(one.here), one.here->id()});
    requests();
  }
}
