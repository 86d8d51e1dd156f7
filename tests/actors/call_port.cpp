#include "actors/call_ports.hpp"
#include "actors/caller.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace instar;
using namespace std::chrono_literals;

namespace {

/// Knows whether it may be called, and adds up what callers have done to it.
struct service_object {
  static constexpr std::string_view interface_name = "test.object";

  void do_it() {
    if (!may_be_called) ++wrong;
    ++done;
    if (!may_be_called) ++wrong;
  }

  std::atomic<bool> may_be_called{false};
  std::atomic<std::uint64_t> done{0};
  inline static std::atomic<std::uint64_t> wrong{0};
};

using test_caller = caller<service_object>;

struct another_object {
  static constexpr std::string_view interface_name = "test.other";
};

template <class Step>
bool eventually(Step&& step) {
  const auto give_up = std::chrono::steady_clock::now() + 5s;
  while (!step()) {
    if (std::chrono::steady_clock::now() > give_up) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

const int one = 1, other = 2; // whose addresses are owners

} // namespace

TEST_CASE("a call reaches who serves, and says if nobody does") {
  call_ports all;
  test_caller from(all.port<service_object>("here"));
  CHECK_FALSE(from.call([](service_object&, call_slot&) { FAIL("there is none"); }));
  service_object object;
  object.may_be_called = true;
  all.port<service_object>("here")->open(&one, &object);
  CHECK(from.call([](service_object& o, call_slot&) { o.do_it(); }));
  CHECK(object.done == 1);
  all.port<service_object>("here")->give_up(&one, 0s);
  CHECK_FALSE(from.call([](service_object& o, call_slot&) { o.do_it(); }));
  CHECK(object.done == 1);
}

TEST_CASE("who serves next is called from the other place, who goes on from the same") {
  call_port port("here", service_object::interface_name);
  service_object first, second;
  auto& slot = port.join();
  const auto seen = [&] {
    const auto now = port.enter(slot);
    port.exit(slot);
    return std::pair(now.object(), now.odd());
  };
  port.open(&one, &first);
  const auto from = seen().second;
  CHECK(port.close(&one));
  port.reopen(&one);
  CHECK(seen() == std::pair<void*, bool>(&first, from));
  CHECK(port.close(&one));
  port.open(&other, &second);
  CHECK(seen() == std::pair<void*, bool>(&second, !from));
  port.give_up(&other, 0s);
  port.open(&one, &first);
  CHECK(seen() == std::pair<void*, bool>(&first, from));
  port.leave(slot);
}

TEST_CASE("calls wait while the port is closed, and reach who serves next") {
  const auto port = std::make_shared<call_port>("here", service_object::interface_name);
  service_object first, second;
  port->open(&one, &first);
  CHECK(port->close(&one));
  std::atomic<int> returned{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i)
    threads.emplace_back([&] {
      test_caller from(port);
      from.call([](service_object& o, call_slot&) { ++o.done; });
      ++returned;
    });
  CHECK(eventually([&] { return port->waiting() == 3; }));
  CHECK(returned == 0);
  port->open(&other, &second);
  for (auto& t : threads) t.join();
  CHECK(first.done == 0);
  CHECK(second.done == 3);
  CHECK(port->waiting() == 0);
}

TEST_CASE("calls that wait are told when nobody serves any more") {
  const auto port = std::make_shared<call_port>("here", service_object::interface_name);
  service_object object;
  port->open(&one, &object);
  port->close(&one);
  std::thread thread([&] {
    test_caller from(port);
    CHECK_FALSE(from.call([](service_object&, call_slot&) {}));
  });
  CHECK(eventually([&] { return port->waiting() == 1; }));
  port->give_up(&one, 0s);
  thread.join();
}

TEST_CASE("a port is closed when no call lasts any more") {
  const auto port = std::make_shared<call_port>("here", service_object::interface_name);
  service_object object;
  port->open(&one, &object);
  std::atomic<bool> inside{false}, may_return{false}, returned{false}, closed{false};
  std::thread slow([&] {
    test_caller from(port);
    from.call([&](service_object&, call_slot&) {
      inside = true;
      while (!may_return) std::this_thread::sleep_for(1ms);
      returned = true;
    });
  });
  CHECK(eventually([&] { return inside.load(); }));
  CHECK_FALSE(port->try_close(&one, 5ms));
  test_caller meanwhile(port);
  CHECK(meanwhile.call([](service_object&, call_slot&) {})); // it goes on as before
  std::thread closer([&] {
    port->close(&one);
    CHECK(returned);
    closed = true;
  });
  std::this_thread::sleep_for(5ms);
  CHECK_FALSE(closed);
  may_return = true;
  slow.join();
  closer.join();
  CHECK(closed);
}

TEST_CASE(
    "threads that call all the time meet no object that was taken away, and no call is lost") {
  constexpr int callers = 6, exchanges = 2000;
  const auto port = std::make_shared<call_port>("here", service_object::interface_name);
  service_object objects[2];
  objects[0].may_be_called = true;
  const int owners[2] = {};
  port->open(&owners[0], &objects[0]);
  std::atomic<bool> enough{false};
  std::atomic<std::uint64_t> made{0}, unserved{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < callers; ++i)
    threads.emplace_back([&] {
      test_caller from(port);
      std::uint64_t mine = 0;
      while (!enough) {
        if (from.call([](service_object& o, call_slot&) { o.do_it(); })) ++mine;
        else ++unserved;
      }
      made += mine;
    });
  int now = 0;
  for (int i = 0; i < exchanges; ++i) {
    REQUIRE(port->close(&owners[now]));
    objects[now].may_be_called = false;
    now = 1 - now;
    objects[now].may_be_called = true;
    port->open(&owners[now], &objects[now]);
    const auto seen = objects[now].done.load();
    if (i % 20 == 0) REQUIRE(eventually([&] { return objects[now].done > seen + 100; }));
  }
  enough = true;
  for (auto& t : threads) t.join();
  CHECK(service_object::wrong == 0);
  CHECK(unserved == 0);
  CHECK(objects[0].done + objects[1].done == made);
}

TEST_CASE("only the owner closes, reopens or gives up a port") {
  const auto port = std::make_shared<call_port>("here", service_object::interface_name);
  service_object first, second;
  test_caller from(port);
  port->open(&one, &first);
  CHECK_FALSE(port->close(&other));
  port->give_up(&other, 0s);
  CHECK(from.call([](service_object& o, call_slot&) { ++o.done; }));
  port->open(&other, &second); // over the other, who is still there
  CHECK_FALSE(port->close(&one));
  port->give_up(&one, 0s);
  CHECK(from.call([](service_object& o, call_slot&) { ++o.done; }));
  CHECK(first.done == 1);
  CHECK(second.done == 1);
  port->close(&other);
  port->reopen(&one);
  port->reopen(&other);
  CHECK(from.call([](service_object& o, call_slot&) { ++o.done; }));
  CHECK(second.done == 2);
}

TEST_CASE("who has closed gives its heir time to open before nobody serves") {
  const auto port = std::make_shared<call_port>("here", service_object::interface_name);
  service_object first, second;
  port->open(&one, &first);
  port->close(&one);
  std::thread former([&] { port->give_up(&one, 1min); });
  std::thread waits([&] {
    test_caller from(port);
    CHECK(from.call([](service_object& o, call_slot&) { ++o.done; }));
  });
  CHECK(eventually([&] { return port->waiting() == 1; }));
  port->open(&other, &second);
  former.join();
  waits.join();
  CHECK(second.done == 1);
}

TEST_CASE("a call that throws has ended") {
  const auto port = std::make_shared<call_port>("here", service_object::interface_name);
  service_object object;
  port->open(&one, &object);
  test_caller from(port);
  CHECK_THROWS_AS(
      from.call([](service_object&, call_slot&) { throw std::runtime_error("this one"); }),
      std::runtime_error);
  CHECK(port->try_close(&one, 1s));
}

TEST_CASE("callers have slots of their own, which others get after them; their counts go on") {
  const auto port = std::make_shared<call_port>("here", service_object::interface_name);
  service_object object;
  port->open(&one, &object);
  std::size_t seen[3] = {};
  const auto note = [](std::size_t& index) {
    return [&index](service_object&, call_slot& by) {
      index = by.index();
      by.count(2);
    };
  };
  {
    test_caller a(port), b(port);
    a.call(note(seen[0]));
    b.call(note(seen[1]));
  }
  test_caller c(port);
  c.call(note(seen[2]));
  CHECK(seen[0] != seen[1]);
  CHECK(seen[2] == 0);
  CHECK(port->counted(2) == 3);
  CHECK(port->counted(1) == 0);
  std::vector<test_caller> crowd;
  for (std::size_t i = 1; i < call_port::most_callers; ++i) crowd.emplace_back(port);
  CHECK_THROWS_AS(test_caller{port}, std::runtime_error);
  crowd.pop_back();
  CHECK_NOTHROW(test_caller{port});
}

TEST_CASE("a port is for one interface") {
  call_ports all;
  const auto port = all.port<service_object>("here");
  CHECK(all.port<service_object>("here") == port);
  CHECK(all.port<service_object>("there") != port);
  try {
    all.port<another_object>("here");
    FAIL("it was taken");
  } catch (const std::runtime_error& error) {
    CHECK(std::string(error.what()) == "call port 'here' is for calls of 'test.object', not of "
                                       "'test.other'; give the other one another name");
  }
}
