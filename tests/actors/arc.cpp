#include "actors/arc.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <thread>
#include <vector>

using namespace instar;

namespace {

struct number : payload {
  static constexpr std::string_view payload_name = "test.number";
  explicit number(int n) : value(n) { ++alive; }
  ~number() override { --alive; }
  std::string_view type_name() const noexcept override { return payload_name; }
  int value;
  static inline std::atomic<int> alive{0};
};

packet make(int n) { return {make_payload<number>(n), static_cast<std::uint64_t>(n)}; }

} // namespace

TEST_CASE("what is pushed is readable only after it was published, and in order") {
  arc a("a.out -> b.in", 8);
  for (int i = 0; i < 5; ++i) REQUIRE(a.push(make(i)));
  CHECK_FALSE(a.readable());
  CHECK(a.publish());
  CHECK_FALSE(a.publish());
  for (int i = 0; i < 5; ++i) {
    REQUIRE(a.readable());
    CHECK(a.pop().as<number>().value == i);
  }
  CHECK_FALSE(a.readable());
  CHECK(number::alive == 0);
}

TEST_CASE("a packet without credit waits in the overflow until credit is given back") {
  arc a("a", 4);
  for (int i = 0; i < 4; ++i) REQUIRE(a.push(make(i)));
  CHECK_FALSE(a.overflows());
  CHECK_FALSE(a.push(make(4)));
  CHECK(a.overflows());
  a.publish();
  CHECK_FALSE(a.retry());
  CHECK_FALSE(a.await_credit());
  REQUIRE(a.readable());
  a.pop();
  CHECK(a.release());
  CHECK_FALSE(a.producer_waits()); // a quarter of the credit wakes nobody
  CHECK(a.retry());                // but it can be used
  CHECK_FALSE(a.push(make(5)));
  a.publish();
  CHECK_FALSE(a.await_credit());
  for (int i = 1; i < 4; ++i) {
    REQUIRE(a.readable());
    CHECK(a.pop().as<number>().value == i);
  }
  CHECK(a.release());
  CHECK(a.producer_waits());
  CHECK_FALSE(a.producer_waits()); // once is enough
  CHECK(a.retry());
  a.publish();
  for (int i = 4; i < 6; ++i) {
    REQUIRE(a.readable());
    CHECK(a.pop().as<number>().value == i);
  }
  CHECK(number::alive == 0);
}

TEST_CASE("nothing overtakes the overflow, even when there is credit again") {
  arc a("a", 2, true);
  for (int i = 0; i < 5; ++i) CHECK(a.push(make(i)) == (i < 2));
  a.publish();
  REQUIRE(a.readable());
  a.pop();
  a.release();
  CHECK(a.await_credit());      // there is some: nobody will ring
  CHECK_FALSE(a.push(make(5))); // but it is not for this one
  CHECK_FALSE(a.retry());
  CHECK_FALSE(a.push(make(6)));
  int expected = 1;
  while (expected < 7) {
    a.publish();
    while (a.readable()) CHECK(a.pop().as<number>().value == expected++);
    a.release();
    a.retry();
  }
  CHECK(expected == 7);
  CHECK_FALSE(a.overflows());
}

TEST_CASE("what waits in the overflow counts as queued, and the arc is not exhausted") {
  arc a("a", 1, true);
  CHECK(a.exhausted());
  CHECK(a.empty_after() == 0);
  for (int i = 0; i < 3; ++i) a.push(make(i));
  a.publish();
  CHECK(a.queued() == 3);
  CHECK_FALSE(a.empty_after());
  REQUIRE(a.readable());
  a.pop();
  CHECK_FALSE(a.readable());
  CHECK_FALSE(a.exhausted()); // its producer has not been here yet
  a.release();
  CHECK(a.queued() == 2);
  CHECK_FALSE(a.empty_after());
  a.retry();
  CHECK(a.queued() == 2); // on its way from the overflow to the ring nothing is out of sight
  a.publish();
  CHECK(a.queued() == 2);
  REQUIRE(a.readable());
  a.pop();
  a.release();
  a.retry();
  a.publish();
  REQUIRE(a.readable());
  a.pop();
  CHECK(a.exhausted());
  CHECK_FALSE(a.empty_after()); // not released: what becomes of it may not be visible yet
  a.release();
  CHECK(a.empty_after() == 3);
}

TEST_CASE("a marker needs no credit and keeps its place among the packets") {
  arc a("a", 1);
  REQUIRE(a.push(make(1)));
  CHECK(a.push_marker(7));
  a.publish();
  REQUIRE(a.readable());
  CHECK_FALSE(a.at_marker());
  a.pop();
  REQUIRE(a.readable());
  CHECK(a.at_marker());
  CHECK(a.pop_marker() == 7);
}

TEST_CASE("markers beyond the room for them are refused, not lost") {
  arc a("a", 1);
  std::size_t taken = 0;
  while (a.push_marker(taken + 1)) ++taken;
  CHECK(taken >= arc::marker_room);
  a.publish();
  for (std::size_t i = 1; i <= taken; ++i) {
    REQUIRE(a.readable());
    CHECK(a.pop_marker() == i);
  }
}

TEST_CASE("an arc that ends drops the packets that it holds") {
  {
    arc a("a", 16);
    for (int i = 0; i < 10; ++i) a.push(make(i));
    a.push_marker(3);
    a.publish();
    a.readable();
    a.pop();
    CHECK(number::alive == 9);
  }
  CHECK(number::alive == 0);
  {
    arc a("a", 2, true);
    for (int i = 0; i < 10; ++i) a.push(make(i));
    CHECK(number::alive == 10);
  }
  CHECK(number::alive == 0);
}

TEST_CASE("two threads pass packets in order through a small arc") {
  constexpr int total = 200'000;
  arc a("a", 16);
  std::thread producer([&] {
    for (int i = 0; i < total || a.overflows();) {
      if (a.retry() && i < total) a.push({nullptr, static_cast<std::uint64_t>(i++)});
      a.publish();
      if (!a.overflows()) continue;
      a.await_credit();
      std::this_thread::yield();
    }
  });
  std::uint64_t expected = 0;
  bool in_order = true;
  while (expected < total) {
    if (!a.readable()) {
      a.release();
      std::this_thread::yield();
      continue;
    }
    in_order &= a.pop().key == expected++;
  }
  producer.join();
  CHECK(in_order);
}
