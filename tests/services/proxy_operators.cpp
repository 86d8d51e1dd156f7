// The parts of the proxy that have no sockets of their own, and its pool.
#include "services/fake_context.hpp"
#include "services/proxy/cond.hpp"
#include "services/proxy/join.hpp"
#include "services/proxy/merge.hpp"
#include "services/proxy/pool.hpp"
#include "services/sockets.hpp"
#include "temporary_folder.hpp"

#include <doctest/doctest.h>

#include <sys/socket.h>

#include <fstream>
#include <string>
#include <string_view>
#include <vector>

using namespace instar;
using namespace instar::proxy;
using instar::test::connected;
using instar::test::fake_context;

namespace {

payload_ptr<http::request> ask(const connected& from, std::string_view target,
                               http::request_line line = {.refused = 0}) {
  return http::request::make(net::open_request(from.here), line, target);
}

payload_ptr<http::response> answer_to(payload_ptr<http::request> asked,
                                      std::uint16_t status = 200) {
  auto made = make_payload<http::response>(std::move(asked));
  made->status = status;
  return made;
}

settings rules(std::string_view prefixes = "/", std::string_view suffixes = "", double share = 1,
               std::string_view root = "", std::int64_t larger_than = 0) {
  settings s;
  s.set("prefixes", std::string(prefixes));
  s.set("suffixes", std::string(suffixes));
  s.set("share", share);
  s.set("root", std::string(root));
  s.set("larger_than", larger_than);
  return s;
}

struct fixture {
  test::driven_reactor sockets;
  fake_context ctx{sockets};
  connected one = test::connect(sockets);

  /// Whether it goes upstream.
  bool upstream(cond& tested, std::string_view target, http::request_line line = {.refused = 0}) {
    tested.on_packet(ctx, 0, packet{ask(one, target, line), 7});
    REQUIRE(ctx.emitted.size() == 1);
    const auto port = ctx.emitted[0].first;
    CHECK(ctx.emitted[0].second.key == 7);
    ctx.emitted.clear();
    return port == cond::upstream.index;
  }
};

} // namespace

// -- cond ---------------------------------------------------------------------------------------

TEST_CASE_FIXTURE(fixture, "prefixes, suffixes and methods say what goes upstream") {
  cond all(rules()), some(rules("/api/ /img", ".png .jpg"));
  CHECK(upstream(all, "/a"));
  CHECK(upstream(all, "/a", {.method = http::method::other, .refused = 0}));
  CHECK_FALSE(upstream(all, "/a", {.refused = 400}));
  CHECK_FALSE(upstream(all, {}, {.refused = 100}));
  CHECK(upstream(some, "/api/x.png"));
  CHECK(upstream(some, "/img.jpg?size=3.gif"));
  CHECK_FALSE(upstream(some, "/api/x.gif"));
  CHECK_FALSE(upstream(some, "/x.png"));
}

TEST_CASE_FIXTURE(fixture, "a share of the paths goes upstream, always the same") {
  cond none(rules("/", "", 0)), half(rules("/", "", 0.5));
  int up = 0;
  for (int i = 0; i < 1000; ++i) {
    const auto path = "/" + std::to_string(i);
    CHECK_FALSE(upstream(none, path));
    const bool goes = upstream(half, path);
    CHECK(upstream(half, path + "?query") == goes);
    up += goes;
  }
  CHECK(up > 350);
  CHECK(up < 650);
}

TEST_CASE_FIXTURE(fixture, "files of the root stay here, unless they are large") {
  temporary_folder folder;
  std::ofstream(folder.path() / "small") << "abc";
  std::ofstream(folder.path() / "large") << std::string(2000, 'x');
  cond files(rules("/", "", 1, folder.path().string()));
  cond small(rules("/", "", 1, folder.path().string(), 1000));
  CHECK_FALSE(upstream(files, "/small"));
  CHECK_FALSE(upstream(files, "/large"));
  CHECK(upstream(files, "/none"));
  CHECK_FALSE(upstream(small, "/small"));
  CHECK(upstream(small, "/large"));
  CHECK(upstream(small, "/none"));
  CHECK_FALSE(upstream(small, "/%zz")); // 400, which is said here
  CHECK(upstream(small, "/small", {.method = http::method::other, .refused = 0}));
}

// -- merge --------------------------------------------------------------------------------------

namespace {

settings early(std::int64_t most = 1000) {
  settings s;
  s.set("max_early", most);
  return s;
}

/// Requests of one connection that went through `cond`, and where their answers come out.
struct ordered : fixture {
  cond numbers{rules()};

  payload_ptr<http::request> next(const connected& from) {
    numbers.on_packet(ctx, 0, packet{ask(from, "/a"), 0});
    auto made = ctx.emitted[0].second.take<http::request>();
    ctx.emitted.clear();
    return made;
  }
  void give(merge& to, payload_ptr<http::request> asked, std::uint64_t key,
            std::size_t port = merge::local.index) {
    to.on_packet(ctx, port, packet{answer_to(std::move(asked)), key});
  }
  std::vector<std::uint64_t> keys() {
    std::vector<std::uint64_t> all;
    for (auto& [port, p] : ctx.emitted) all.push_back(p.key);
    ctx.emitted.clear();
    return all;
  }
};
using key_list = std::vector<std::uint64_t>;

} // namespace

TEST_CASE_FIXTURE(ordered, "answers come out in the order of the requests of their connection") {
  merge tested(early());
  tested.on_start(ctx);
  const auto other = test::connect(sockets);
  auto a = next(one), b = next(one), c = next(one), d = next(other);
  give(tested, std::move(c), 3);
  give(tested, std::move(b), 2, merge::upstream.index);
  CHECK(keys().empty());
  CHECK(tested.not_yet(ctx, cut_purpose::removal));
  CHECK_FALSE(tested.not_yet(ctx, cut_purpose::hand_over));
  give(tested, std::move(d), 4);
  CHECK(keys() == key_list{4});
  give(tested, std::move(a), 1);
  CHECK(keys() == key_list{1, 2, 3});
  CHECK_FALSE(tested.not_yet(ctx, cut_purpose::removal));
}

TEST_CASE_FIXTURE(ordered, "answers that wait are handed over, and nobody loses them") {
  merge first(early()), second(early());
  first.on_start(ctx);
  auto a = next(one), b = next(one), c = next(one);
  give(first, std::move(c), 3);
  give(first, std::move(b), 2);
  test::hand_over(first, merge::type, second, ctx);
  second.on_start(ctx);
  give(second, std::move(a), 1);
  CHECK(keys() == key_list{1, 2, 3});
}

TEST_CASE_FIXTURE(ordered, "who makes too much wait is broken off, and nobody else") {
  merge tested(early(100));
  tested.on_start(ctx);
  const auto other = test::connect(sockets);
  auto a = next(one), b = next(one), c = next(other);
  auto large = answer_to(std::move(b));
  large->body = http::body(net::buffer::make(101));
  tested.on_packet(ctx, 0, packet{std::move(large), 2});
  CHECK(one.here->finished());
  give(tested, std::move(c), 3);
  CHECK(keys() == key_list{3});
}

TEST_CASE_FIXTURE(ordered, "answers behind one that was lost are let go") {
  merge tested(early());
  tested.on_start(ctx);
  auto a = next(one), b = next(one);
  give(tested, std::move(b), 2);
  a = nullptr; // breaks the connection off
  CHECK(one.here->finished());
  tested.on_timer(ctx, 0);
  CHECK_FALSE(tested.not_yet(ctx, cut_purpose::removal));
  CHECK(keys().empty());
}

// -- join ---------------------------------------------------------------------------------------

namespace {

settings joining() {
  settings s;
  s.set("timeout", std::int64_t{1'000'000'000});
  s.set("host", std::string());
  s.set("forwarded", true);
  return s;
}

payload_ptr<http::request> whole(const connected& from) {
  return http::request::make(net::open_request(from.here), {.refused = 0}, "/a", {},
                             "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
}

} // namespace

TEST_CASE_FIXTURE(fixture, "an answer comes back to its request, also by way of a successor") {
  join first(joining()), second(joining());
  first.on_start(ctx);
  first.on_packet(ctx, 0, packet{whole(one), 5});
  first.on_packet(ctx, 0, packet{whole(one), 6});
  REQUIRE(ctx.emitted.size() == 2);
  CHECK(ctx.emitted[0].first == join::asks.ask.index);
  CHECK(ctx.emitted[0].second.as<question>().head_text().starts_with("GET /a HTTP/1.1\r\nHost: h"));
  CHECK(first.not_yet(ctx, cut_purpose::removal));
  ctx.emitted.clear();
  test::hand_over(first, join::type, second, ctx);
  second.on_start(ctx);
  second.on_answer(ctx, join::asks.ask.index, 2, packet{refusal(404), 0});
  second.on_no_answer(ctx, join::asks.ask.index, 1, no_answer::deadline);
  REQUIRE(ctx.emitted.size() == 2);
  CHECK(ctx.emitted[0].second.key == 6);
  CHECK(ctx.emitted[0].second.as<http::response>().status == 404);
  CHECK(ctx.emitted[0].second.as<http::response>().from.on() == one.here);
  CHECK(ctx.emitted[1].second.key == 5);
  CHECK(ctx.emitted[1].second.as<http::response>().status == 504);
  CHECK_FALSE(second.not_yet(ctx, cut_purpose::removal));
}

TEST_CASE_FIXTURE(fixture, "a request that was not kept whole gets 502, and the log says why") {
  join tested(joining());
  tested.on_start(ctx);
  tested.on_packet(ctx, 0, packet{ask(one, "/a"), 5});
  REQUIRE(ctx.emitted.size() == 1);
  CHECK(ctx.emitted[0].second.as<http::response>().status == 502);
  REQUIRE(ctx.logged.size() == 1);
  CHECK(ctx.logged[0].find("whole") != std::string::npos);
}

// -- pool ---------------------------------------------------------------------------------------

namespace {

struct pooled : fixture {
  std::vector<test::client> peers;

  static std::vector<net::remote> servers(int count) {
    std::string list;
    for (int i = 1; i <= count; ++i) list += " 127.0.0.1:" + std::to_string(i);
    return *net::find_remotes(list);
  }
  net::lease link() {
    int fds[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
    peers.emplace_back(fds[1]);
    return sockets.watch(sockets.adopt_outgoing(fds[0]), net::interest::writes, ctx.events());
  }
};

} // namespace

TEST_CASE_FIXTURE(pooled, "servers take turns, and those that failed come last") {
  pool tested(servers(3), {.connections = 9, .idle_seconds = 30, .fail_seconds = 10});
  for (const std::size_t expected : {0, 1, 2, 0}) CHECK(tested.choose({}, 100).server == expected);
  tested.failed(1, 100);
  for (const std::size_t expected : {2, 0, 2}) CHECK(tested.choose({}, 101).server == expected);
  CHECK(tested.choose({0b101}, 101).server == 1); // the others were tried
  const auto none = tested.choose({0b111}, 101);
  CHECK_FALSE(none.server);
  CHECK_FALSE(none.wait);
  tested.works(1);
  CHECK(tested.choose({0b101}, 101).server == 1);
  tested.failed(0, 100);
  CHECK(tested.choose({0b110}, 110).server == 0); // its time is over
}

TEST_CASE_FIXTURE(pooled, "a server has only so many connections, the others wait") {
  pool tested(servers(2), {.connections = 1, .idle_seconds = 30, .fail_seconds = 10});
  tested.opened(0);
  CHECK(tested.choose({}, 1).server == 1);
  tested.opened(1);
  const auto full = tested.choose({}, 1);
  CHECK_FALSE(full.server);
  CHECK(full.wait);
  tested.failed(1, 1);
  CHECK(tested.choose({0b10}, 1).wait);
  tested.closed(0);
  CHECK(tested.choose({}, 1).server == 0);
}

TEST_CASE_FIXTURE(pooled, "a connection is used again unless its server has closed it") {
  pool tested(servers(1), {.connections = 9, .idle_seconds = 30, .fail_seconds = 10});
  auto first = link(), second = link(), third = link();
  const auto oldest = first->id();
  for (auto* l : {&first, &second, &third}) {
    tested.opened(0);
    tested.give_back(0, std::move(*l), 100);
  }
  peers[2].close();
  peers[1].send("unasked");
  CHECK(tested.servers()[0].links == 3);
  auto got = tested.take_idle(0);
  REQUIRE(got);
  CHECK(got->id() == oldest);
  CHECK(tested.servers()[0].links == 1);
  CHECK_FALSE(tested.take_idle(0));
  tested.give_back(0, std::move(got), 100);
  tested.tidy(130);
  CHECK(tested.has_idle());
  tested.tidy(131); // too old
  CHECK_FALSE(tested.has_idle());
  CHECK(tested.servers()[0].links == 0);
  CHECK(sockets.registered() == 0);
}

TEST_CASE_FIXTURE(pooled, "connections to a server that is none any more end after their use") {
  pool tested(servers(1), {.connections = 9, .idle_seconds = 30, .fail_seconds = 10});
  const auto gone = tested.find_or_retire("127.0.0.1:99");
  CHECK(gone == 1);
  CHECK(tested.find_or_retire("127.0.0.1:1") == 0);
  tested.opened(gone);
  tested.give_back(gone, link(), 100);
  CHECK(tested.servers()[gone].links == 0);
  CHECK(sockets.registered() == 0);
  CHECK_FALSE(tested.choose({0b01}, 100).server);
}

TEST_CASE("what is no list of servers is refused with the entry, the cause and the remedy") {
  for (const auto* list : {"", "host", "host:", ":80", "host:x", "host:0", "host:65536", "::1:80",
                           "127.0.0.1:80 host"}) {
    const auto found = net::find_remotes(list);
    CAPTURE(list);
    REQUIRE_FALSE(found);
    CHECK(found.error().message.find("cannot connect to '") == 0);
    CHECK(found.error().message.find("HOST:PORT") != std::string::npos);
  }
  CHECK(net::find_remotes("127.0.0.1:80 [::1]:80 127.0.0.1:80")->size() == 2);
}
