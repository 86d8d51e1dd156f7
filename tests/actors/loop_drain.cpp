#include "actors/loop_drain.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

using namespace instar;

namespace {

std::shared_ptr<arc> make_arc(std::size_t capacity = 4, bool feedback = false) {
  return std::make_shared<arc>("a", capacity, feedback);
}

/// One operator of a loop on a thread of its own: takes a packet, whose key is how far it still has
/// to go, and passes it on.
class member {
public:
  member(arc& in, arc& out, std::atomic<int>& ended) : in_(in), out_(out), ended_(ended) {}

  void take() {
    out_.retry();
    if (!in_.readable()) std::this_thread::yield();
    for (int i = 0; i < 3 && in_.readable(); ++i) {
      auto p = in_.pop();
      if (p.key == 0) ++ended_;
      else out_.push({nullptr, p.key - 1});
    }
    out_.publish();
    in_.release();
  }
  void emit(std::uint64_t hops) { out_.push({nullptr, hops}); }

private:
  arc &in_, &out_;
  std::atomic<int>& ended_;
};

} // namespace

TEST_CASE("a loop in which an answer is awaited is not empty") {
  auto a = make_arc(), b = make_arc(1, true);
  loop_drain drain({a, b}, 0);
  b->await(2);
  CHECK_FALSE(drain.empty());
  CHECK(drain.packets() == 0);
  CHECK(drain.awaited() == 2);
  b->await(0);
  CHECK(drain.empty());
}

TEST_CASE("loops are empty once every way in is closed and nothing is in any arc") {
  auto a = make_arc(), b = make_arc(1, true);
  loop_drain drain({a, b}, 2);
  CHECK(drain.open());
  CHECK_FALSE(drain.empty());
  drain.close();
  CHECK_FALSE(drain.empty());
  drain.close();
  CHECK_FALSE(drain.open());
  CHECK(drain.empty());
}

TEST_CASE(
    "a packet in a ring, in an overflow or in somebody's hands keeps a loop from being empty") {
  auto a = make_arc(), b = make_arc(1, true);
  loop_drain drain({a, b}, 0);
  b->push({});
  b->push({});
  b->publish();
  CHECK(drain.packets() == 2);
  for (int left = 2; left > 0; --left) {
    CHECK_FALSE(drain.empty());
    REQUIRE(b->readable());
    b->pop();
    CHECK_FALSE(drain.empty()); // in its hands
    b->release();
    b->retry();
    b->publish();
  }
  CHECK(drain.packets() == 0);
  CHECK(drain.empty());
}

TEST_CASE("what was seen empty counts as empty: then come markers, and packets behind them") {
  auto a = make_arc();
  loop_drain drain({a}, 0);
  REQUIRE(drain.empty());
  a->push_marker(7);
  a->publish();
  CHECK(drain.empty());
}

TEST_CASE("a loop in which somebody stirs is not empty") {
  auto a = make_arc();
  loop_drain drain({a}, 1);
  drain.stir();
  drain.stir();
  drain.close();
  CHECK(drain.stirring() == 2);
  CHECK_FALSE(drain.empty());
  drain.settle();
  CHECK_FALSE(drain.empty());
  drain.settle();
  CHECK(drain.empty());
}

TEST_CASE("a loop that others work on is seen empty only when all has left it") {
  constexpr int rounds = 1'000, packets = 5;
  int wrong = 0;
  for (int round = 0; round < rounds; ++round) {
    auto there = make_arc(2), further = make_arc(2), back = make_arc(1, true);
    auto drain = std::make_shared<loop_drain>(std::vector{there, further, back}, 1);
    std::atomic<int> ended{0};
    std::atomic<bool> stop{false};
    const auto run = [&](arc& in, arc& out, int emits) {
      member m(in, out, ended);
      while (!stop.load(std::memory_order_relaxed)) {
        if (emits > 0) {
          m.emit(static_cast<std::uint64_t>(emits + round) % 7);
          m.take();
          if (--emits == 0) drain->close();
        } else {
          m.take();
        }
      }
    };
    std::thread first([&] { run(*back, *there, packets); });
    std::thread second([&] { run(*there, *further, 0); });
    // It gives credit back at once, as for a thread that works on what was taken.
    std::thread third([&] {
      while (!stop.load(std::memory_order_relaxed)) {
        back->retry();
        if (!further->readable()) {
          back->publish();
          std::this_thread::yield();
          continue;
        }
        auto p = further->pop();
        drain->stir();
        further->release();
        std::this_thread::yield();
        if (p.key == 0) ++ended;
        else back->push({nullptr, p.key - 1});
        back->publish();
        drain->settle();
      }
    });
    while (!drain->empty()) std::this_thread::yield();
    wrong += ended != packets;
    stop = true;
    first.join();
    second.join();
    third.join();
  }
  CHECK(wrong == 0);
}
