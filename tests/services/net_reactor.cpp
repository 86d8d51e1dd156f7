#include "services/fake_context.hpp"
#include "services/net/reactor.hpp"
#include "services/sockets.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>

#include <cstdint>
#include <memory>
#include <vector>

using namespace instar;
using namespace instar::net;
using instar::test::connect;
using instar::test::driven_reactor;
using instar::test::eventually;

namespace {

std::shared_ptr<inlet> make_inlet() {
  return std::make_shared<inlet>(std::make_shared<doorbell>());
}

std::vector<event> wait_for_events(inlet& at, std::size_t count = 1) {
  std::vector<event> events;
  CHECK(eventually([&] {
    at.take(events);
    return events.size() >= count;
  }));
  return events;
}

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) != -1; }

} // namespace

TEST_CASE("what becomes readable is posted to the inlet that asked for it") {
  driven_reactor sockets;
  auto to = make_inlet();
  auto one = connect(sockets);
  const auto held = sockets.watch(one.here, interest::reads, to);
  one.peer.send("hello");
  const auto events = wait_for_events(*to);
  REQUIRE(events.size() == 1);
  CHECK(events[0].source.get() == one.here.get());
  CHECK((one.here->take_raised() & ready::readable) != 0);
}

TEST_CASE("a connection has at most one undelivered event, whatever arrives") {
  driven_reactor sockets;
  auto to = make_inlet();
  auto one = connect(sockets);
  auto other = connect(sockets);
  const auto held = sockets.watch(one.here, interest::reads, to);
  const auto other_held = sockets.watch(other.here, interest::reads, to);
  for (int i = 0; i < 100; ++i) {
    one.peer.send("x");
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  other.peer.send("y");
  CHECK(wait_for_events(*to, 2).size() == 2);
  one.here->take_raised();
  one.peer.send("x");
  CHECK(wait_for_events(*to).size() == 1);
}

TEST_CASE("the end of the peer's data is told even while an event is undelivered") {
  driven_reactor sockets;
  auto to = make_inlet();
  auto one = connect(sockets);
  const auto held = sockets.watch(one.here, interest::reads, to);
  one.peer.send("x");
  CHECK(wait_for_events(*to).size() == 1);
  one.peer.close();
  CHECK(eventually([&] {
    if (one.here->raise(0)) return false;
    return (one.here->take_raised() & ready::hangup) != 0;
  }));
}

TEST_CASE("writability is told once for each time it was asked for") {
  driven_reactor sockets;
  auto to = make_inlet();
  auto one = connect(sockets);
  const auto held = sockets.watch(one.here, interest::writes, to);
  const std::vector<char> block(1 << 16);
  const auto fill = [&] {
    while (::send(one.here->fd(), block.data(), block.size(), MSG_DONTWAIT) > 0) {
    }
  };
  fill();
  one.here->await_writable();
  fill();
  while (!one.peer.receive().empty()) {
  }
  CHECK(wait_for_events(*to).size() == 1);
  CHECK_FALSE(one.here->awaits_writable());
  fill();
  while (!one.peer.receive().empty()) {
  }
  std::vector<event> none;
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK_FALSE(to->take(none));
}

TEST_CASE("a subscription goes over to the inlet that asked last") {
  driven_reactor sockets;
  auto before = make_inlet(), after = make_inlet();
  auto one = connect(sockets);
  const auto old_lease = sockets.watch(one.here, interest::reads, before);
  const auto new_lease = sockets.watch(one.here, interest::reads, after);
  one.peer.send("x");
  CHECK(wait_for_events(*after).size() == 1);
  CHECK_FALSE(before->filled());
}

TEST_CASE("a socket is found by its id as long as a lease of it exists, then closed") {
  driven_reactor sockets;
  auto one = connect(sockets);
  const auto id = one.here->id();
  const int fd = one.here->fd();
  {
    auto first = sockets.watch(one.here, interest::reads, make_inlet());
    auto second = sockets.find(id);
    REQUIRE(second);
    CHECK(second.as<connection>() == one.here);
    CHECK(second.as<listener>().get() == nullptr);
    first = lease{};
    one.here = nullptr;
    CHECK(sockets.find(id));
    CHECK(sockets.connections() == 1);
    CHECK(is_open(fd));
  }
  CHECK_FALSE(sockets.find(id));
  CHECK(sockets.registered() == 0);
  CHECK(sockets.connections() == 0);
  CHECK_FALSE(is_open(fd));
}

TEST_CASE("a connection that is let go of while its event is under way stays alive for it") {
  driven_reactor sockets;
  auto to = make_inlet();
  for (int i = 0; i < 200; ++i) {
    auto one = connect(sockets);
    auto held = sockets.watch(std::move(one.here), interest::reads, to);
    one.peer.send("x");
    if (i % 2) std::this_thread::yield();
    held = lease{};
    std::vector<event> events;
    to->take(events);
    for (auto& e : events) CHECK(is_open(static_cast<endpoint&>(*e.source).fd()));
  }
  std::vector<event> rest;
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  to->take(rest);
  rest.clear();
  CHECK(sockets.connections() == 0);
}

TEST_CASE("nothing is posted after the reactor was stopped") {
  driven_reactor sockets;
  auto to = make_inlet();
  auto one = connect(sockets);
  const auto held = sockets.watch(one.here, interest::reads, to);
  sockets.stop();
  one.peer.send("x");
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK_FALSE(to->filled());
}

TEST_CASE("a listener on port 0 tells the port it got, and a port in use is refused by name") {
  driven_reactor sockets;
  auto first = sockets.bind({"127.0.0.1", 0, 16});
  REQUIRE(first);
  REQUIRE((*first)->listen(16));
  const auto port = (*first)->port();
  CHECK(port != 0);
  auto second = sockets.bind({"127.0.0.1", port, 16});
  REQUIRE_FALSE(second);
  CHECK(second.error().message.find(std::to_string(port)) != std::string::npos);
  CHECK(second.error().message.find("choose another port") != std::string::npos);
  CHECK_FALSE(sockets.bind({"localhost", 0, 16}));
}

TEST_CASE("a socket is found where it is bound, however that is written") {
  const auto bound = bind_socket({"127.0.0.1", 0, 1});
  REQUIRE(bound);
  const auto address = local_address(*bound);
  const auto port = static_cast<std::uint16_t>(std::stoul(address.substr(address.rfind(':') + 1)));
  const auto other = static_cast<std::uint16_t>(port == 1 ? 2 : port - 1);
  CHECK(is_bound_to(*bound, {"127.0.0.1", port}));
  CHECK(is_bound_to(*bound, {"127.0.0.1", 0}));
  CHECK_FALSE(is_bound_to(*bound, {"127.0.0.1", other}));
  CHECK_FALSE(is_bound_to(*bound, {"127.0.0.2", port}));
  CHECK_FALSE(is_bound_to(*bound, {"::1", port}));
  CHECK_FALSE(is_bound_to(*bound, {"localhost", port}));
  ::close(*bound);
  const auto six = bind_socket({"::1", 0, 1});
  if (!six) return; // without IPv6
  CHECK(is_bound_to(*six, {"0:0:0:0:0:0:0:1", 0}));
  CHECK_FALSE(is_bound_to(*six, {"::2", 0}));
  ::close(*six);
}

TEST_CASE("what is kept for a hand-over is kept as long as its ticket") {
  driven_reactor sockets;
  auto& kept = sockets.kept();
  {
    auto one = connect(sockets);
    auto ticket = kept.put(one.here);
    const auto id = ticket.id();
    CHECK(kept.get(id).get() == one.here.get());
    CHECK(kept.get(id + 1).get() == nullptr);
    auto moved = std::move(ticket);
    CHECK(kept.size() == 1);
  }
  CHECK(kept.size() == 0);
}

TEST_CASE("a request that gets lost breaks its connection off") {
  driven_reactor sockets;
  auto one = connect(sockets);
  { const open_request lost(one.here); }
  CHECK(one.here->open_requests() == 0);
  CHECK(one.here->finished());
  one.peer.receive();
  CHECK(one.peer.ended());
}
