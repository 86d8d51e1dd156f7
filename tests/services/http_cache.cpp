#include "services/fake_context.hpp"
#include "services/http/cache.hpp"
#include "services/sockets.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <string_view>
#include <vector>

using namespace instar;
using namespace instar::http;
using instar::test::connected;
using instar::test::fake_context;

namespace {

settings options(std::string_view max_age = "1h", std::int64_t max_bytes = 1 << 20) {
  settings values;
  values.set("max_bytes", setting_value(max_bytes));
  values.set("max_body", setting_value(std::int64_t{1000}));
  values.set("max_age",
             setting_value(max_age == "1h" ? std::int64_t{3'600'000'000'000} : std::int64_t{0}));
  return values;
}

struct fixture {
  test::driven_reactor sockets;
  fake_context ctx{sockets};

  template <class Cache>
  void ask(Cache& of, const connected& from, std::string_view target,
           request_line line = {.refused = 0}) {
    of.on_packet(
        ctx, cache::asked.index,
        packet{request::make(net::open_request(from.here), line, target), from.here->id()});
  }
  /// What was emitted next, in order; forgets it.
  std::pair<std::size_t, packet> next() {
    REQUIRE_FALSE(ctx.emitted.empty());
    auto first = std::move(ctx.emitted.front());
    ctx.emitted.erase(ctx.emitted.begin());
    return first;
  }
  /// Loads what was missed: a body of `size` times `fill`.
  template <class Cache>
  void load(Cache& into, packet missed, std::size_t size, char fill = 'x') {
    auto& asked = missed.as<request>();
    auto made = make_payload<response>(asked.take_from(), asked.line());
    made->content_type = "text/html; charset=utf-8";
    made->content_length = made->complete_length = size;
    made->modified = 77;
    auto bytes = net::buffer::make(size);
    std::memset(bytes->data(), fill, size);
    made->body = body(std::move(bytes));
    into.on_packet(ctx, cache::loaded.index, packet{std::move(made), missed.key});
  }
  /// Asks, and loads if it was a miss. Returns whether it was a hit; the answer has to be right.
  template <class Cache>
  bool hit(Cache& of, const connected& from, std::string_view target, std::size_t size = 10) {
    ask(of, from, target);
    auto [port, p] = next();
    const bool found = port == cache::out.index;
    if (!found) {
      load(of, std::move(p), size);
      p = next().second;
    }
    CHECK(p.key == from.here->id());
    const auto& answer = p.as<response>();
    CHECK(answer.status == 200);
    CHECK(answer.modified == 77);
    CHECK(answer.content_type == "text/html; charset=utf-8");
    CHECK(answer.content_length == size);
    CHECK(answer.body.size() == size);
    CHECK(answer.from.on() == from.here);
    return found;
  }
};

} // namespace

TEST_CASE_FIXTURE(fixture, "what was loaded once is answered from memory") {
  cache_v1 tested(options());
  tested.on_start(ctx);
  const auto one = test::connect(sockets);
  CHECK_FALSE(hit(tested, one, "/a"));
  CHECK(hit(tested, one, "/a"));
  CHECK_FALSE(hit(tested, one, "/b"));
  CHECK(hit(tested, one, "/b"));
  CHECK(hit(tested, one, "/a"));
  CHECK(one.here->open_requests() == 0);
}

TEST_CASE_FIXTURE(fixture, "answers of a connection stay in the order of its requests") {
  cache_v1 tested(options());
  tested.on_start(ctx);
  const auto one = test::connect(sockets), other = test::connect(sockets);
  hit(tested, one, "/a");
  ask(tested, one, "/slow");
  auto slow = next();
  REQUIRE(slow.first == cache::miss.index);
  ask(tested, one, "/a"); // is kept, but must not overtake
  auto behind = next();
  CHECK(behind.first == cache::miss.index);
  CHECK(hit(tested, other, "/a")); // another connection need not wait
  load(tested, std::move(slow.second), 10);
  load(tested, std::move(behind.second), 10);
  next();
  next();
  CHECK(hit(tested, one, "/a"));
}

TEST_CASE_FIXTURE(fixture, "only whole, good, small answers are kept, and not for ever") {
  const auto one = test::connect(sockets);
  SUBCASE("too large a body") {
    cache_v1 tested(options());
    tested.on_start(ctx);
    CHECK_FALSE(hit(tested, one, "/large", 1001));
    CHECK_FALSE(hit(tested, one, "/large", 1001));
  }
  SUBCASE("an error") {
    cache_v1 tested(options());
    tested.on_start(ctx);
    ask(tested, one, "/none");
    auto missed = next().second;
    auto made =
        make_payload<response>(missed.as<request>().take_from(), missed.as<request>().line());
    made->status = 404;
    tested.on_packet(ctx, cache::loaded.index, packet{std::move(made), missed.key});
    CHECK(next().second.as<response>().status == 404);
    CHECK_FALSE(hit(tested, one, "/none"));
  }
  SUBCASE("the answer to HEAD has no body that could be kept, but a kept one answers it") {
    cache_v1 tested(options());
    tested.on_start(ctx);
    const request_line head{.method = method::head, .refused = 0};
    ask(tested, one, "/a", head);
    load(tested, next().second, 10);
    next();
    CHECK_FALSE(hit(tested, one, "/a"));
    ask(tested, one, "/a", head);
    const auto [port, p] = next();
    CHECK(port == cache::out.index);
    CHECK(p.as<response>().content_length == 10);
    CHECK(p.as<response>().body.size() == 0);
  }
  SUBCASE("too old") {
    cache_v1 tested(options("0s"));
    tested.on_start(ctx);
    CHECK_FALSE(hit(tested, one, "/a"));
    CHECK_FALSE(hit(tested, one, "/a"));
  }
  SUBCASE("the least recently used goes first") {
    cache_v1 tested(options("1h", 600)); // room for two or three small ones
    tested.on_start(ctx);
    for (const auto* target : {"/1", "/2", "/3", "/1", "/4"}) hit(tested, one, target, 50);
    CHECK(hit(tested, one, "/1", 50));
    CHECK(hit(tested, one, "/4", 50));
    CHECK_FALSE(hit(tested, one, "/2", 50));
  }
}

TEST_CASE_FIXTURE(fixture, "conditions and ranges are answered from what is kept") {
  cache_v1 tested(options());
  tested.on_start(ctx);
  const auto one = test::connect(sockets);
  hit(tested, one, "/a");
  const auto asks = [&](field which, std::string_view value) {
    const noted_field noted[] = {{which, static_cast<std::uint32_t>(value.size()), value.data()}};
    auto asked = request::make(net::open_request(one.here), {.refused = 0}, "/a", noted);
    tested.on_packet(ctx, cache::asked.index, packet{std::move(asked), one.here->id()});
    return next();
  };
  auto [port, part] = asks(field::range, "bytes=2-4");
  REQUIRE(port == cache::out.index);
  CHECK(part.as<response>().status == 206);
  CHECK(part.as<response>().body.text() == "xxx");
  CHECK(part.as<response>().first == 2);
  CHECK(asks(field::range, "bytes=0-0,3-4").second.as<response>().parts == 2);
  CHECK(asks(field::if_none_match, "*").second.as<response>().status == 304);
  CHECK(asks(field::if_match, "\"x\"").second.as<response>().status == 412);
  // Who takes gzip may have to get something else.
  auto [miss_port, missed] = asks(field::accept_encoding, "gzip");
  CHECK(miss_port == cache::miss.index);
  load(tested, std::move(missed), 10, 'z');
  next();
  CHECK(asks(field::accept_encoding, "gzip").second.as<response>().body.text()[0] == 'z');
  CHECK(hit(tested, one, "/a"));
}

TEST_CASE_FIXTURE(fixture, "version 2 keeps what is asked for twice") {
  cache_v2 tested(options());
  tested.on_start(ctx);
  const auto one = test::connect(sockets);
  CHECK_FALSE(hit(tested, one, "/a"));
  CHECK_FALSE(hit(tested, one, "/a"));
  CHECK(hit(tested, one, "/a"));
}

TEST_CASE_FIXTURE(fixture, "entries and open requests go over to either version") {
  cache_v1 before(options());
  before.on_start(ctx);
  const auto one = test::connect(sockets), other = test::connect(sockets);
  hit(before, one, "/a");
  hit(before, one, "/empty", 0);
  ask(before, other, "/b");
  auto open = next().second;

  cache_v2 after(options());
  test::hand_over(before, cache_v1::type, after, ctx);
  after.on_start(ctx);
  CHECK(hit(after, one, "/a"));
  CHECK(hit(after, one, "/empty", 0));
  load(after, std::move(open), 20);
  const auto [port, answer] = next();
  CHECK(port == cache::out.index);
  CHECK(answer.key == other.here->id());

  cache_v1 again(options());
  test::hand_over(after, cache_v2::type, again, ctx);
  again.on_start(ctx);
  CHECK(hit(again, one, "/a"));
  CHECK(sockets.kept().size() == 2); // what each holds for its successor while it lives
}

TEST_CASE_FIXTURE(fixture, "it is not removed while requests are being loaded") {
  cache_v1 tested(options());
  tested.on_start(ctx);
  const auto one = test::connect(sockets);
  ask(tested, one, "/a");
  auto missed = next().second;
  CHECK(tested.not_yet(ctx, cut_purpose::removal) == "1 requests are being loaded");
  CHECK_FALSE(tested.not_yet(ctx, cut_purpose::hand_over));
  load(tested, std::move(missed), 10);
  CHECK_FALSE(tested.not_yet(ctx, cut_purpose::removal));
}
