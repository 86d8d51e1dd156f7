// The real modules in a real service: a counter is exchanged while threads count.
#include "services/call_world.hpp"
#include "services/counter/handle.hpp"
#include "services/live_calls.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace instar;
using namespace instar::counting;
using namespace std::chrono_literals;
using test::eventually;
using test::helper;
using test::live_calls;

namespace {

/// Threads that add 1 and read in turn as long as it lives. What a thread reads never grows less,
/// and is at least what it has added itself.
class crowd {
public:
  crowd(call_ports& at, int size) {
    for (int i = 0; i < size; ++i)
      all_.push_back(std::make_unique<helper>([this, &at] { work(at); }));
  }
  ~crowd() { stop(); }

  /// Returns how much was added.
  std::uint64_t stop() {
    enough_ = true;
    all_.clear();
    return added_;
  }
  std::uint64_t wrong() const { return wrong_; }
  std::uint64_t unserved() const { return unserved_; }
  std::uint64_t rounds() const { return rounds_; }

private:
  void work(call_ports& at) {
    handle mine(at, "it");
    std::uint64_t added = 0, last = 0;
    while (!enough_) {
      for (int i = 0; i < 100; ++i)
        if (mine.add()) ++added;
        else ++unserved_;
      const auto seen = mine.value();
      if (!seen) ++unserved_;
      else if (*seen < last || *seen < added) ++wrong_;
      last = seen.value_or(last);
      ++rounds_;
    }
    added_ += added;
  }

  std::atomic<bool> enough_{false};
  std::atomic<std::uint64_t> added_{0}, wrong_{0}, unserved_{0}, rounds_{0};
  std::vector<std::unique_ptr<helper>> all_;
};

} // namespace

TEST_CASE("a counter that is exchanged while threads count loses and repeats nothing") {
  live_calls s("counter.shared@1");
  auto mine = s.handle_of<handle>();
  crowd threads(s.calls(), 6);
  for (int round = 0; round < 60; ++round) {
    const auto outcome = s.update(round % 2 == 0 ? "counter.partitioned" : "counter.shared");
    REQUIRE_MESSAGE(outcome.outcome == transition_outcome::committed, outcome.reason);
    const auto before = threads.rounds();
    CHECK(eventually([&] { return threads.rounds() > before; })); // everybody goes on
  }
  const auto added = threads.stop();
  CHECK(threads.wrong() == 0);
  CHECK(threads.unserved() == 0);
  CHECK(added > 0);
  CHECK(mine.value() == added);
}

TEST_CASE("a call that does not return refuses the exchange, and the old counter counts on") {
  live_calls s("counter.partitioned@1");
  auto mine = s.handle_of<handle>();
  mine.add(3);
  std::atomic<bool> inside{false}, may_return{false};
  helper slow([&] {
    caller<object> other(s.calls().port<object>("it"));
    other.call([&](object& to, call_slot& by) {
      inside = true;
      while (!may_return) std::this_thread::sleep_for(1ms);
      to.add(by, 4);
    });
  });
  REQUIRE(eventually([&] { return inside.load(); }));
  const auto outcome = s.update("counter.shared", 100ms);
  CHECK(outcome.outcome != transition_outcome::committed);
  CHECK(outcome.reason.find("a call at its port 'it' has not returned") != std::string::npos);
  CHECK(mine.add(5));
  may_return = true;
  CHECK(eventually([&] { return slow.done(); }));
  CHECK(mine.value() == 12);
  CHECK(s.update("counter.shared").outcome == transition_outcome::committed);
  CHECK(mine.value() == 12);
}

TEST_CASE("when the service ends, callers are told that nobody serves") {
  auto s = std::make_unique<live_calls>("counter.shared@1");
  auto mine = s->handle_of<handle>();
  CHECK(mine.add());
  s.reset();
  CHECK_FALSE(mine.add());
  CHECK_FALSE(mine.value());
}

TEST_CASE("callers may know a counter by another name than the graph") {
  live_calls s("counter.shared@1", ", port = 'hits'");
  auto mine = s.handle_of<handle>("hits");
  handle wrong(s.calls(), "it");
  CHECK(mine.add());
  CHECK_FALSE(wrong.add());
  CHECK(s.update("counter.partitioned").outcome == transition_outcome::committed);
  CHECK(mine.value() == 1);
}
