// Threads in a loop, in a real service under load: no change, checkpoint or stop is refused for
// what they have taken and not given back, and nothing of it is lost.
#include "blocking_operators.hpp"
#include "lifecycle/checkpoint_store.hpp"
#include "temporary_folder.hpp"

#include <doctest/doctest.h>

#include <sys/ioctl.h>

#include <algorithm>
#include <thread>

using namespace instar;
using namespace instar::test;
using namespace std::chrono_literals;

namespace {

/// Feeds numbers, never more than so many ahead of what has come out, and counts how often each
/// has.
class load {
public:
  explicit load(const plant& of)
      : plant_(of), feeder_([this] { feed(); }), taker_([this] { take(); }) {}
  ~load() { finish(); }

  /// Until so many more have come out.
  bool goes_on(std::uint64_t more = 20) const {
    const auto until = got_ + more;
    for (int i = 0; i < 10'000 && got_ < until; ++i) std::this_thread::sleep_for(1ms);
    return got_ >= until;
  }
  /// No more; returns how many did not come out once.
  std::size_t finish() {
    if (!feeder_.joinable()) return 0;
    enough_ = true;
    feeder_.join();
    for (int i = 0; i < 10'000 && got_ < times_.size(); ++i) std::this_thread::sleep_for(1ms);
    std::this_thread::sleep_for(5ms);
    ::shutdown(plant_.out[0], SHUT_RDWR);
    taker_.join();
    std::lock_guard lock(guard_);
    return static_cast<std::size_t>(
        std::count_if(times_.begin(), times_.end(), [](int times) { return times != 1; }));
  }

private:
  static constexpr std::uint64_t ahead = 200;

  void feed() {
    for (std::uint64_t i = 0; !enough_; ++i) {
      while (!enough_ && i - got_ > ahead) std::this_thread::sleep_for(100us);
      {
        std::lock_guard lock(guard_);
        times_.push_back(0);
      }
      plant_.feed(i, i + 1);
    }
  }
  void take() {
    for (std::uint64_t n = 0; ::recv(plant_.out[0], &n, sizeof n, MSG_WAITALL) == number_size;) {
      std::lock_guard lock(guard_);
      if (n < times_.size()) ++times_[n];
      ++got_;
    }
  }

  const plant& plant_;
  std::mutex guard_;
  std::vector<int> times_; // by number
  std::atomic<std::uint64_t> got_{0};
  std::atomic<bool> enough_{false};
  std::thread feeder_, taker_;
};

/// All that has been fed is in the service.
void wait_until_read(const plant& p) {
  for (int left = 1; left > 0;) {
    std::this_thread::sleep_for(1ms);
    REQUIRE(::ioctl(p.in[0], FIONREAD, &left) == 0);
  }
}

} // namespace

TEST_CASE("a loop with slow threads is changed and saved under load, each time at the first try") {
  temporary_folder at;
  auto store = checkpoint_store::claim(at.path());
  REQUIRE(store);
  plant p;
  running s(p, *store);
  check_committed(s.apply(loop_of(2)));
  load numbers(p);
  for (std::uint32_t i = 0; i < 90; ++i) {
    CAPTURE(i);
    switch (i % 5) {
    case 0:
      check_committed(s.apply(loop_of(1 + i / 5 % 4)));
      break;
    case 1:
      check_committed(s.update({{"worker", "test.worker", 2}}));
      break;
    case 2:
      check_committed(s.checkpoint());
      break;
    case 3:
      check_committed(s.update({{"desk", "test.desk", 2}, {"worker", "test.worker", 1}}));
      break;
    case 4:
      check_committed(s.checkpoint());
      break;
    }
    REQUIRE(numbers.goes_on());
  }
  CHECK(numbers.finish() == 0);
  check_committed(s.stop());
}

TEST_CASE("a service with slow threads in a loop stops under load, each time at the first try") {
  for (unsigned i = 0; i < 60; ++i) {
    CAPTURE(i);
    plant p;
    running s(p);
    auto g = loop_of(1 + i % 3);
    for (auto& op : g.operators)
      if (op.name == "worker") op.version = 1 + i % 2;
    check_committed(s.apply(std::move(g)));
    p.feed(0, 100);
    std::this_thread::sleep_for(std::chrono::microseconds(i * 100));
    check_committed(s.stop());
  }
}

TEST_CASE("a checkpoint has what threads of a loop were working on") {
  for (unsigned i = 0; i < 20; ++i) {
    CAPTURE(i);
    temporary_folder at;
    plant p;
    const auto g = loop_of(1 + i % 3);
    constexpr std::uint64_t fed = 150;
    {
      auto store = checkpoint_store::claim(at.path());
      REQUIRE(store);
      running s(p, *store);
      check_committed(s.apply(g));
      p.feed(0, fed);
      wait_until_read(p);
      std::this_thread::sleep_for(std::chrono::milliseconds(i % 7));
      check_committed(s.checkpoint());
    } // cut off, as by a crash
    const auto contents = newest_in(at.path());
    running s(p);
    const auto restored = s.restore(g, {contents, {}});
    CHECK_MESSAGE(restored.outcome == transition_outcome::committed, restored.reason);
    // What came out between the checkpoint and the crash comes again.
    std::vector<bool> seen(fed);
    std::uint64_t missing = fed, n = 0;
    for (pollfd there{p.out[0], POLLIN, 0}; missing > 0 && ::poll(&there, 1, 5'000) == 1;) {
      REQUIRE(::recv(p.out[0], &n, sizeof n, MSG_WAITALL) == number_size);
      REQUIRE(n < fed);
      missing -= seen[n] ? 0 : 1;
      seen[n] = true;
    }
    CHECK(missing == 0);
    check_committed(s.stop());
  }
}
