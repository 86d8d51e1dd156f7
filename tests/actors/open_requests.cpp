#include "actors/open_requests.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <map>
#include <new>
#include <random>
#include <set>

using namespace instar;
using namespace std::chrono_literals;

namespace {

std::atomic<std::size_t> allocations{0};

using table = open_requests;
const table::clock::time_point start{};

/// With outputs "a" and "b", whose servers are the places 7 and 8.
table made(std::uint64_t first = 0) {
  table t(3, first);
  t.aim({{"a", 7}, {"b", 8}});
  return t;
}

} // namespace

// Not inlined, or the compiler takes `free` for what goes with its own `new`.
[[gnu::noinline]] void* operator new(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* got = std::malloc(size)) return got;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* what) noexcept { std::free(what); }
[[gnu::noinline]] void operator delete(void* what, std::size_t) noexcept { std::free(what); }

TEST_CASE("a request is closed once, by its own id only") {
  auto t = made();
  const auto x = t.open(0, 10, start + 5s), y = t.open(1, 20, start + 5s);
  CHECK(table::place_of(x) == 3);
  CHECK(x != y);
  CHECK(t.open() == 2);
  CHECK(t.open(0) == 1);
  CHECK(t.open(1) == 1);
  const auto got = t.close(y);
  REQUIRE(got);
  CHECK(got->port == 1);
  CHECK(got->token == 20);
  CHECK_FALSE(t.close(y));
  CHECK_FALSE(t.close(y + 1));
  CHECK_FALSE(t.close(0));
  CHECK_FALSE(t.close(x ^ std::uint64_t{1} << table::sequence_bits)); // another place's
  CHECK(t.close(x)->token == 10);
  CHECK(t.open() == 0);
  CHECK_FALSE(t.next_due());
}

TEST_CASE("requests run out of time in the order of their deadlines, not earlier") {
  auto t = made();
  t.open(0, 1, start + 3s);
  t.open(0, 2, start + 1s);
  t.open(1, 3, start + 1s);
  const auto kept = t.open(1, 4, start + 4s);
  CHECK(*t.next_due() == start + 1s);
  t.expire(start + 1s - 1ns);
  CHECK(t.ended() == 0);
  t.expire(start + 3s);
  CHECK(*t.next_due() == start + 4s);
  for (const std::uint64_t token : {2, 3, 1}) {
    const auto one = t.take_ended();
    REQUIRE(one);
    CHECK(one->what.token == token);
    CHECK(one->why == no_answer::deadline);
  }
  CHECK_FALSE(t.take_ended());
  CHECK(t.close(kept)->token == 4);
}

TEST_CASE("a request without a server ends with nobody, and is never open") {
  table t(3);
  t.aim({{"a", 0}});
  const auto id = t.open(0, 5, start + 1s);
  CHECK(t.open() == 0);
  CHECK_FALSE(t.close(id));
  const auto one = t.take_ended();
  REQUIRE(one);
  CHECK(one->what.port == 0);
  CHECK(one->what.token == 5);
  CHECK(one->why == no_answer::nobody);
}

TEST_CASE("the next version may have its outputs in another order") {
  auto t = made();
  const auto x = t.open(0, 10, start + 5s);
  t.aim({{"c", 0}, {"b", 8}, {"a", 7}});
  CHECK(t.open(2) == 1);
  CHECK(t.close(x)->port == 2);
}

TEST_CASE("who has another server, or lost its output, is told that nobody answers") {
  auto t = made();
  const auto to_a = t.open(0, 1, start + 5s), to_b = t.open(1, 2, start + 4s);
  const auto again = t.open(0, 3, start + 3s);
  t.aim({{"b", 8}, {"a", 9}});
  CHECK(t.open() == 1);
  CHECK_FALSE(t.close(to_a));
  CHECK_FALSE(t.close(again));
  auto one = t.take_ended();
  REQUIRE(one);
  CHECK(one->what.token == 1); // asked first
  CHECK(one->what.port == 1);
  CHECK(one->why == no_answer::nobody);
  t.aim({{"b", 8}}); // what has not been told yet, too
  one = t.take_ended();
  REQUIRE(one);
  CHECK(one->what.token == 3);
  CHECK(one->what.port == operator_base::no_port);
  CHECK(t.close(to_b)->port == 0);
}

TEST_CASE("the sequence wraps round while requests are open") {
  const auto last = (std::uint64_t{1} << table::sequence_bits) - 1;
  auto t = made(last - 1);
  std::vector<std::uint64_t> ids;
  for (std::uint64_t i = 0; i < 5; ++i) ids.push_back(t.open(0, i, start + 5s));
  for (const auto id : ids) CHECK(table::place_of(id) == 3);
  CHECK(std::set(ids.begin(), ids.end()).size() == 5);
  t.expire(start + 5s);
  for (std::uint64_t i = 0; i < 5; ++i) CHECK(t.take_ended()->what.token == i); // as asked
}

TEST_CASE("nothing is allocated for a request unless more are open than ever before") {
  auto t = made();
  std::vector<std::uint64_t> ids;
  ids.reserve(100);
  const auto round = [&](std::uint64_t first) {
    for (std::uint64_t i = 0; i < 100; ++i)
      ids.push_back(t.open(i % 2, first + i, start + std::chrono::seconds(100 - i)));
    for (const auto id : ids) REQUIRE(t.close(id));
    ids.clear();
  };
  round(0);
  const auto before = allocations.load();
  const auto oldest = t.open(0, 1, start + 1s); // holds nothing up that comes after it
  for (std::uint64_t i = 1; i < 1000; ++i) round(i * 100);
  CHECK(allocations.load() == before);
  CHECK(t.close(oldest)->token == 1);
}

TEST_CASE("it behaves like a map by id, whatever is asked of it") {
  std::mt19937_64 random(8101);
  for (int run = 0; run < 20; ++run) {
    auto t = made(random() >> 10);
    std::map<std::uint64_t, std::pair<table::request, table::clock::time_point>> open;
    std::multiset<std::uint64_t> ended;
    auto now = start;
    for (std::uint64_t step = 0; step < 5'000; ++step) {
      const auto what = random() % 10;
      if (what < 5) {
        const table::request asked{random() % 2, step};
        const auto due = now + std::chrono::milliseconds(random() % 1'000);
        const auto id = t.open(asked.port, asked.token, due);
        CHECK(open.emplace(id, std::pair(asked, due)).second);
      } else if (what < 9 && !open.empty()) {
        const auto one = std::next(open.begin(), static_cast<long>(random() % open.size()));
        const auto got = t.close(one->first);
        REQUIRE(got);
        CHECK(got->token == one->second.first.token);
        CHECK(got->port == one->second.first.port);
        open.erase(one);
      } else {
        now += std::chrono::milliseconds(random() % 200);
        t.expire(now);
        for (auto at = open.begin(); at != open.end();) {
          if (at->second.second > now) {
            ++at;
            continue;
          }
          ended.insert(at->second.first.token);
          at = open.erase(at);
        }
        while (const auto one = t.take_ended()) {
          const auto found = ended.find(one->what.token);
          REQUIRE(found != ended.end());
          ended.erase(found);
        }
        CHECK(ended.empty());
      }
      REQUIRE(t.open() == open.size());
    }
  }
}
