#include "services/fake_context.hpp"
#include "services/net/accept.hpp"
#include "services/net/read.hpp"
#include "services/sockets.hpp"

#include <doctest/doctest.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <string>
#include <vector>

using namespace instar;
using instar::test::client;
using instar::test::eventually;
using instar::test::fake_context;

namespace {

settings accept_values(std::int64_t port = 0, std::int64_t max_connections = 100,
                       std::int64_t max_per_address = 0, std::int64_t max_refused = 0) {
  settings s;
  s.set("address", std::string("127.0.0.1"));
  s.set("port", port);
  s.set("backlog", std::int64_t{64});
  s.set("max_connections", max_connections);
  s.set("max_per_address", max_per_address);
  s.set("max_refused", max_refused);
  return s;
}

settings read_values(std::chrono::nanoseconds idle = std::chrono::seconds(75)) {
  settings s;
  s.set("idle_timeout", std::int64_t{idle.count()});
  s.set("linger_timeout", std::int64_t{1'000'000'000});
  return s;
}

client dial(std::uint16_t port) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) {
    ::close(fd);
    throw std::runtime_error("nobody listens");
  }
  return client(fd);
}

/// One that nobody listens on, nor has a connection from.
std::uint16_t free_port() {
  const auto fd = net::bind_socket({"127.0.0.1", 0, 1});
  REQUIRE(bool(fd));
  const auto address = net::local_address(*fd);
  ::close(*fd);
  return static_cast<std::uint16_t>(std::stoul(address.substr(address.rfind(':') + 1)));
}

std::uint16_t port_of(const fake_context& ctx) {
  const auto& line = ctx.logged.at(0);
  return static_cast<std::uint16_t>(std::stoul(line.substr(line.rfind(':') + 1)));
}

struct fixture {
  test::driven_reactor sockets;
  fake_context ctx{sockets};

  void start(operator_base& tested) {
    tested.claim(ctx);
    tested.on_start(ctx);
  }
  std::string text_of(const std::vector<payload_ptr<net::chunk>>& chunks) {
    std::string text;
    for (const auto& c : chunks) text += c->end() ? "<end>" : std::string(c->text());
    return text;
  }
  /// Runs `tested` until it has emitted `text` in all.
  bool emits(operator_base& tested, const std::string& text) {
    std::string seen;
    return eventually([&] {
      ctx.give_events(tested);
      seen += text_of(ctx.take<net::chunk>());
      return seen == text;
    });
  }
};

} // namespace

TEST_CASE_FIXTURE(fixture, "connections are accepted, all that wait at once") {
  net::accept tested(accept_values());
  start(tested);
  const auto port = port_of(ctx);
  std::vector<client> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(dial(port));
  CHECK(eventually([&] {
    ctx.give_events(tested);
    return ctx.emitted.size() == 20;
  }));
}

TEST_CASE_FIXTURE(fixture, "connections beyond the limit wait until others end") {
  net::accept tested(accept_values(0, 2));
  start(tested);
  const auto port = port_of(ctx);
  const auto first = dial(port), second = dial(port), third = dial(port);
  CHECK(eventually([&] {
    ctx.give_events(tested);
    return ctx.emitted.size() == 2 && !ctx.timers.empty();
  }));
  ctx.emitted.clear();
  tested.on_timer(ctx, 0);
  CHECK(ctx.emitted.size() == 1);
}

TEST_CASE_FIXTURE(fixture, "connections of one client beyond its limit are closed at once") {
  net::accept tested(accept_values(0, 100, 2));
  start(tested);
  const auto port = port_of(ctx);
  auto first = dial(port), second = dial(port), third = dial(port);
  CHECK(eventually([&] {
    ctx.give_events(tested);
    third.receive();
    return third.ended();
  }));
  CHECK(ctx.emitted.size() == 2);
  CHECK(ctx.logged.back().find("max_per_address") != std::string::npos);
  CHECK(sockets.addresses().size() == 1);
  ctx.emitted.clear();
  CHECK(sockets.addresses().size() == 0);
  const auto fourth = dial(port);
  CHECK(eventually([&] {
    ctx.give_events(tested);
    return ctx.emitted.size() == 1;
  }));
}

TEST_CASE_FIXTURE(fixture, "the listening socket is taken over open") {
  net::accept before(accept_values());
  start(before);
  const auto port = port_of(ctx);
  const auto waiting = dial(port);
  net::accept after(accept_values());
  test::hand_over(before, net::accept::type, after, ctx);
  const auto during = dial(port);
  after.on_start(ctx);
  CHECK(eventually([&] {
    ctx.give_events(after);
    return ctx.emitted.size() == 2;
  }));
}

TEST_CASE_FIXTURE(fixture, "with another port the old one is given up only once it has started") {
  net::accept before(accept_values());
  start(before);
  const auto port = port_of(ctx);
  net::accept elsewhere(accept_values(free_port()));
  test::hand_over(before, net::accept::type, elsewhere, ctx);
  CHECK_NOTHROW(dial(port));
  elsewhere.on_start(ctx);
  CHECK(ctx.stopped.empty());
}

TEST_CASE_FIXTURE(
    fixture,
    "with another port those who wait at the old one are accepted, and then it is closed") {
  net::accept before(accept_values(0, 1));
  start(before);
  const auto port = port_of(ctx);
  std::vector<client> clients;
  for (int i = 0; i < 5; ++i) clients.push_back(dial(port));
  CHECK(eventually([&] {
    ctx.give_events(before);
    return ctx.emitted.size() == 1; // there is no room for the others
  }));
  const auto other = free_port();
  net::accept elsewhere(accept_values(other, 1));
  test::hand_over(before, net::accept::type, elsewhere, ctx);
  elsewhere.on_start(ctx);
  CHECK(ctx.emitted.size() == 1);
  SUBCASE("by the next version") {
    net::accept next(accept_values(other));
    test::hand_over(elsewhere, net::accept::type, next, ctx);
    next.on_start(ctx);
    CHECK(ctx.emitted.size() == 5);
  }
  SUBCASE("also if that goes back there") {
    net::accept back(accept_values(port));
    test::hand_over(elsewhere, net::accept::type, back, ctx);
    back.on_start(ctx);
    CHECK(ctx.emitted.size() == 5);
    CHECK_NOTHROW(dial(port));
  }
}

TEST_CASE_FIXTURE(fixture, "connections beyond the limit are surplus, as many as may be refused") {
  net::accept tested(accept_values(0, 2, 0, 1));
  start(tested);
  const auto port = port_of(ctx);
  std::vector<client> clients;
  for (int i = 0; i < 4; ++i) clients.push_back(dial(port));
  CHECK(eventually([&] {
    ctx.give_events(tested);
    return ctx.emitted.size() == 3 && !ctx.timers.empty();
  }));
  std::vector<bool> surplus;
  for (const auto& one : ctx.take<net::connection>()) surplus.push_back(one->surplus());
  CHECK(surplus == std::vector{false, false, true});
}

TEST_CASE_FIXTURE(fixture, "a port in use cannot be claimed, and one clear line says so") {
  net::accept first(accept_values());
  start(first);
  net::accept second(accept_values(port_of(ctx)));
  CHECK_THROWS_WITH(second.claim(ctx), doctest::Contains("choose another port"));
  CHECK(ctx.stopped.empty());
}

TEST_CASE_FIXTURE(fixture, "the end of the operator closes its port") {
  std::uint16_t port = 0;
  {
    net::accept tested(accept_values());
    start(tested);
    port = port_of(ctx);
  }
  std::vector<event> undelivered;
  ctx.events()->take(undelivered);
  undelivered.clear();
  CHECK_THROWS(dial(port));
}

TEST_CASE_FIXTURE(fixture, "what arrives is emitted in order, then the end") {
  net::read tested(read_values());
  tested.on_start(ctx);
  auto one = test::connect(sockets);
  tested.on_packet(ctx, 0, {std::move(one.here), 1});
  one.peer.send("hello ");
  CHECK(emits(tested, "hello "));
  one.peer.send("world");
  one.peer.close();
  CHECK(emits(tested, "world<end>"));
  CHECK(eventually([&] { return sockets.connections() == 0; }));
}

TEST_CASE_FIXTURE(fixture, "a large stream is read completely though each turn is bounded") {
  net::read tested(read_values());
  tested.on_start(ctx);
  auto one = test::connect(sockets);
  tested.on_packet(ctx, 0, {std::move(one.here), 1});
  std::string sent(3'000'000, '\0'), seen;
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>(i * 31 >> 3);
  std::thread sender([&] {
    std::string_view left = sent;
    while (!left.empty()) {
      const auto n = ::send(one.peer.fd(), left.data(), left.size(), MSG_NOSIGNAL);
      if (n > 0) left.remove_prefix(static_cast<std::size_t>(n));
      else std::this_thread::yield();
    }
    one.peer.close();
  });
  CHECK(eventually([&] {
    ctx.give_events(tested);
    for (const auto& c : ctx.take<net::chunk>()) seen += c->end() ? "" : std::string(c->text());
    return sockets.registered() == 0;
  }));
  sender.join();
  CHECK(seen == sent);
}

TEST_CASE_FIXTURE(fixture, "a paused connection is not read until it is resumed") {
  net::read tested(read_values());
  tested.on_start(ctx);
  auto one = test::connect(sockets);
  const auto here = one.here;
  tested.on_packet(ctx, 0, {std::move(one.here), 1});
  here->pause();
  one.peer.send("held back");
  one.peer.close();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  ctx.give_events(tested);
  CHECK(ctx.emitted.empty());
  CHECK(here->resume());
  sockets.post(*here, net::interest::reads, net::ready::readable | net::ready::hangup);
  CHECK(emits(tested, "held back<end>"));
}

TEST_CASE_FIXTURE(fixture, "connections are taken over, with what arrives meanwhile") {
  auto one = test::connect(sockets);
  net::read after(read_values());
  {
    net::read before(read_values());
    before.on_start(ctx);
    before.on_packet(ctx, 0, {std::move(one.here), 1});
    one.peer.send("first ");
    CHECK(emits(before, "first "));
    one.peer.send("second");
    test::hand_over(before, net::read::type, after, ctx);
  }
  CHECK(sockets.connections() == 1);
  const auto timers = ctx.timers.size();
  after.on_start(ctx);
  CHECK(ctx.timers.size() == timers); // the old version's timer goes on
  CHECK(emits(after, "second"));
}

TEST_CASE_FIXTURE(fixture, "connections end with their reader") {
  auto one = test::connect(sockets);
  {
    net::read tested(read_values());
    tested.on_start(ctx);
    tested.on_packet(ctx, 0, {std::move(one.here), 1});
  }
  CHECK(eventually([&] {
    one.peer.receive();
    return one.peer.ended();
  }));
}

TEST_CASE_FIXTURE(fixture, "a connection on which nothing moves is closed") {
  net::read tested(read_values(std::chrono::seconds(1)));
  tested.on_start(ctx);
  auto one = test::connect(sockets);
  one.here->touch(net::coarse_seconds() - 5);
  tested.on_packet(ctx, 0, {std::move(one.here), 1});
  tested.on_timer(ctx, 0);
  CHECK(emits(tested, "<end>"));
  one.peer.receive();
  CHECK(one.peer.ended());
}
