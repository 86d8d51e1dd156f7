// Operators that block, in a real service with real threads: their updates under load, what is left
// of calls that were half done, checkpoints, and the end in every wrapper.
#include "blocking_operators.hpp"
#include "lifecycle/checkpoint_store.hpp"
#include "temporary_folder.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <thread>

using namespace instar;
using namespace instar::test;
using namespace std::chrono_literals;

namespace {

graph one_that_waits() {
  graph g;
  g.name = "waits";
  g.operators = {node("waits", "test.waits")};
  return g;
}

/// How many there are in the end: who has been joined or closed is shown for a moment yet.
std::size_t entries(const char* folder) {
  auto least = ~std::size_t{0};
  for (int i = 0; i < 20; ++i) {
    std::this_thread::sleep_for(5ms);
    const auto now = std::distance(std::filesystem::directory_iterator(folder), {});
    least = std::min(least, static_cast<std::size_t>(now));
  }
  return least;
}

} // namespace

TEST_CASE("updates to and fro under load lose, double and reorder nothing") {
  for (const bool slow : {false, true}) {
    CAPTURE(slow);
    plant p;
    p.slow = slow;
    running s(p);
    check_committed(s.apply(chain()));
    std::atomic<std::uint64_t> fed{0};
    std::atomic<bool> enough{false};
    std::thread feeder([&] {
      for (std::uint64_t i = 0; !enough; ++i) {
        // Half a number and the rest of it come apart.
        std::byte raw[sizeof i];
        std::memcpy(raw, &i, sizeof i);
        const auto some = i % sizeof i;
        if (::write(p.in[1], raw, some) < 0 || ::write(p.in[1], raw + some, sizeof i - some) < 0)
          return;
        fed = i + 1;
      }
    });
    std::atomic<std::uint64_t> got{0};
    std::atomic<bool> right{true};
    std::thread taker([&] {
      for (std::uint64_t n = 0; ::recv(p.out[0], &n, sizeof n, MSG_WAITALL) == number_size;)
        if (n != got++) right = false;
    });
    std::size_t threads = 0, files = 0;
    for (int i = 0; i < 150; ++i) {
      const std::uint32_t to = i % 2 == 0 ? 2 : 1;
      if (i % 5 == 4) { // the fault at the one rolls all back
        const auto e = s.update({{"source", "test.source", 3}, {"sink", "test.sink", to}});
        CHECK(e.outcome == transition_outcome::rolled_back);
        CHECK(e.reason.find("version 3 restores nothing") != e.reason.npos);
      }
      if (i % 3 == 0) {
        check_committed(s.update({{"source", "test.source", to},
                                  {"middle", "test.middle", to},
                                  {"sink", "test.sink", to}}));
      } else {
        check_committed(s.update({{"source", "test.source", to}}));
        check_committed(s.update({{"middle", "test.middle", to}}));
        check_committed(s.update({{"sink", "test.sink", to}}));
      }
      if (i == 50) {
        threads = entries("/proc/self/task");
        files = entries("/proc/self/fd");
      }
    }
    CHECK(entries("/proc/self/task") == threads);
    CHECK(entries("/proc/self/fd") == files);
    enough = true;
    feeder.join();
    for (int i = 0; i < 1000 && got < fed; ++i) std::this_thread::sleep_for(10ms);
    CHECK(got == fed);
    check_committed(s.stop());
    ::shutdown(p.out[0], SHUT_RDWR);
    taker.join();
    CHECK(right);
    CHECK(got == fed);
    CHECK(fed > 1000);
  }
}

TEST_CASE("a number that is half read goes over, and so does one that is half written") {
  plant p;
  running s(p);
  check_committed(s.apply(chain()));
  std::uint64_t n = 0x1122334455667788;
  for (std::size_t i = 0; i < sizeof n; ++i) {
    CHECK(::write(p.in[1], reinterpret_cast<const char*>(&n) + i, 1) == 1);
    check_committed(s.update({{"source", "test.source", i % 2 == 0 ? 2u : 1u}}));
  }
  CHECK(p.comes(n, n + 1));
  check_committed(s.stop());
}

TEST_CASE("what waits when nobody takes anything is there in order afterwards") {
  plant p;
  const int small = 1;
  ::setsockopt(p.out[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
  running s(p);
  check_committed(s.apply(chain()));
  const auto update_all = [&](std::uint32_t to) {
    check_committed(s.update(
        {{"source", "test.source", to}, {"middle", "test.middle", to}, {"sink", "test.sink", to}}));
  };
  p.feed(0, 900); // more than fit into the socket
  p.wait_until_read();
  // Version 1 keeps what is left over, so nobody has to read for these updates: all that was read
  // comes before the markers from the source, and version 2 gets nothing but its state.
  update_all(2);
  update_all(1);
  p.feed(900, 1000);
  update_all(2);
  CHECK(p.comes(0, 1000));
  CHECK(p.quiet());
  check_committed(s.stop());
}

TEST_CASE("a checkpoint has what was half done, and its operators go on") {
  temporary_folder at;
  plant p;
  {
    auto store = checkpoint_store::claim(at.path());
    REQUIRE(store);
    running s(p, *store);
    check_committed(s.apply(chain()));
    p.feed(0, 100);
    CHECK(::write(p.in[1], "\x64\0\0", 3) == 3); // of the number 100
    CHECK(p.comes(0, 100));
    for (int i = 0; i < 20; ++i) check_committed(s.checkpoint());
    CHECK(::write(p.in[1], "\0\0\0\0", 4) == 4);
    std::this_thread::sleep_for(20ms);
    check_committed(s.checkpoint());
  } // cut off, as by a crash
  const auto contents = newest_in(at.path());
  running s(p);
  const auto restored = s.restore(chain(), {contents, {}});
  CHECK_MESSAGE(restored.outcome == transition_outcome::committed, restored.reason);
  CHECK(::write(p.in[1], "\0", 1) == 1);
  CHECK(p.comes(100, 101));
  p.feed(101, 200);
  CHECK(p.comes(101, 200));
  check_committed(s.stop());
}

TEST_CASE("an operator that throws is restarted with its state, and loses no packet") {
  plant p;
  running s(p);
  check_committed(s.apply(chain()));
  for (std::uint64_t i = 0; i < 500; i += 100) {
    p.throw_at = i + 50;
    p.feed(i, i + 100);
    CHECK(p.comes(i, i + 100));
    CHECK(p.throw_at == ~std::uint64_t{0});
  }
  check_committed(s.stop());
}

TEST_CASE("in every wrapper an operator is updated, removed and stopped") {
  for (int call = 0; call < wrappers; ++call) {
    CAPTURE(call);
    plant p;
    p.call = call;
    const auto waits_again = [&](int after) {
      for (int i = 0; i < 1000 && p.entered <= after; ++i) std::this_thread::sleep_for(1ms);
      std::this_thread::sleep_for(2ms);
      return p.entered > after;
    };
    running s(p);
    check_committed(s.apply(one_that_waits()));
    CHECK(waits_again(0));
    int entered = p.entered;
    check_committed(s.update({{"waits", "test.waits", 2}}));
    CHECK(waits_again(entered));
    auto renamed = one_that_waits();
    renamed.operators[0].name = "another"; // one is removed, one begins
    entered = p.entered;
    check_committed(s.apply(renamed));
    CHECK(waits_again(entered));
    check_committed(s.stop());
  }
}

TEST_CASE("who does not come to rest is named with its stack at the deadline, and goes on") {
  plant p;
  p.call = wrappers;
  running s(p);
  check_committed(s.apply(one_that_waits()));
  while (p.stuck == 0) std::this_thread::sleep_for(1ms);
  const auto e = s.update({{"waits", "test.waits", 2}}, 2s); // a stack takes a while to name
  CHECK(e.outcome == transition_outcome::rolled_back);
  MESSAGE(e.reason);
  for (const char* part : {"operator 'waits'", "its thread does not come to rest",
                           "read < test::stuck_in_c < waits::run"})
    CHECK(e.reason.find(part) != e.reason.npos);
  CHECK(p.stuck == 1);
  p.call = 2;
  CHECK(::write(p.in[1], "!", 1) == 1);
  check_committed(s.update({{"waits", "test.waits", 2}}));
  check_committed(s.stop());
}

TEST_CASE("a service that is destroyed ends the threads of its operators") {
  plant p;
  const auto before = entries("/proc/self/task");
  for (int call = 0; call < wrappers; ++call) {
    CAPTURE(call);
    p.call = call;
    running s(p);
    check_committed(s.apply(one_that_waits()));
    const int entered = p.entered;
    for (int i = 0; i < 100 && p.entered == entered; ++i) std::this_thread::sleep_for(1ms);
  }
  CHECK(entries("/proc/self/task") == before);
}
