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
  for (int i = 0; i < 5; ++i) {
    auto p = make(i);
    REQUIRE(a.push(p));
  }
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

TEST_CASE("a packet without credit stays with its producer until credit is given back") {
  arc a("a", 4);
  for (int i = 0; i < 4; ++i) {
    auto p = make(i);
    REQUIRE(a.push(p));
  }
  auto fifth = make(4);
  CHECK_FALSE(a.push(fifth));
  CHECK(fifth.as<number>().value == 4);
  a.publish();
  CHECK_FALSE(a.await_credit());
  REQUIRE(a.readable());
  a.pop();
  CHECK(a.release());
  CHECK_FALSE(a.producer_waits()); // a quarter of the credit wakes nobody
  CHECK(a.push(fifth));            // but it can be used
  auto sixth = make(5);
  CHECK_FALSE(a.push(sixth));
  a.publish();
  CHECK_FALSE(a.await_credit());
  for (int i = 0; i < 3; ++i) {
    REQUIRE(a.readable());
    a.pop();
  }
  CHECK(a.release());
  CHECK(a.producer_waits());
  CHECK_FALSE(a.producer_waits()); // once is enough
  CHECK(a.push(sixth));
}

TEST_CASE("a marker needs no credit and keeps its place among the packets") {
  arc a("a", 1);
  auto first = make(1);
  REQUIRE(a.push(first));
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
    for (int i = 0; i < 10; ++i) {
      auto p = make(i);
      a.push(p);
    }
    a.push_marker(3);
    a.publish();
    a.readable();
    a.pop();
    CHECK(number::alive == 9);
  }
  CHECK(number::alive == 0);
}

TEST_CASE("two threads pass packets in order through a small arc") {
  constexpr int total = 200'000;
  arc a("a", 16);
  std::thread producer([&] {
    for (int i = 0; i < total;) {
      packet p{nullptr, static_cast<std::uint64_t>(i)};
      if (a.push(p)) ++i;
      else {
        a.publish();
        a.await_credit();
        std::this_thread::yield();
      }
    }
    a.publish();
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
