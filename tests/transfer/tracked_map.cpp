#include "transfer/tracked_map.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

using namespace instar;

namespace {

/// Counts how many there are, and fails if one is used after it has gone.
struct counted {
  explicit counted(int n = 0) : value(std::make_unique<int>(n)) { ++alive; }
  counted(counted&& other) noexcept : value(std::move(other.value)) { ++alive; }
  counted& operator=(counted&& other) noexcept {
    value = std::move(other.value);
    return *this;
  }
  ~counted() { --alive; }
  std::unique_ptr<int> value;
  static inline int alive = 0;
};

/// So that bins are split as deep as it goes, and beyond.
struct poor_hash {
  std::uint64_t operator()(int key) const { return key % 3 == 0 ? 7 : key_hash<int>()(key); }
};

std::string key(std::uint64_t n) { return "key " + std::to_string(n * n); }

using text_map = tracked_map<std::string, int>;

std::map<std::string, int> content(const text_map& m) {
  std::map<std::string, int> all;
  m.for_each([&](const text_map::entry& e) { CHECK(all.emplace(e.key, e.value).second); });
  return all;
}

} // namespace

TEST_CASE_TEMPLATE("does what a map does", Hash, key_hash<int>, poor_hash) {
  std::mt19937_64 random(1);
  {
    tracked_map<int, counted, Hash> map;
    std::unordered_map<int, int> expected;
    std::size_t peak = 0;
    for (int step = 0; step < 200'000; ++step) {
      // Grows, shrinks, grows again.
      const bool growing = step / 40'000 % 2 == 0;
      const int k = static_cast<int>(random() % 9'000);
      const auto value = static_cast<int>(random());
      switch (random() % 4) {
      case 0: {
        auto [at, fresh] = map.try_emplace(k, value);
        CHECK(fresh == expected.emplace(k, value).second);
        CHECK(*at.value == expected[k]);
        break;
      }
      case 1:
        if (growing) {
          map.insert_or_assign(k, counted(value));
          expected[k] = value;
          break;
        }
        [[fallthrough]];
      case 2:
        if (!growing || random() % 4 == 0) CHECK(map.erase(k) == (expected.erase(k) > 0));
        break;
      default:
        if (auto* found = map.edit(k)) *found->value += 1;
        if (const auto there = expected.find(k); there != expected.end()) there->second += 1;
      }
      CHECK(map.size() == expected.size());
      peak = std::max(peak, map.size());
      const int asked = static_cast<int>(random() % 9'000);
      const auto* found = map.find(asked);
      const auto there = expected.find(asked);
      REQUIRE((found != nullptr) == (there != expected.end()));
      if (found) CHECK(*found->value == there->second);
    }
    CHECK(peak > 5'000);
    std::size_t seen = 0;
    map.for_each([&](const auto& e) {
      ++seen;
      CHECK(*e.value.value == expected.at(e.key));
    });
    CHECK(seen == expected.size());
    CHECK(counted::alive == static_cast<int>(seen));
    auto other = std::move(map);
    CHECK(other.size() == seen);
    CHECK(map.empty());
    map.try_emplace(1, 1);
    CHECK(*map.find(1)->value == 1);
    other.clear();
    CHECK(other.empty());
    CHECK(counted::alive == 1);
  }
  CHECK(counted::alive == 0);
}

TEST_CASE("whoever visits all parts sees every entry that stays, once") {
  std::mt19937_64 random(2);
  for (int round = 0; round < 20; ++round) {
    text_map map;
    for (std::uint64_t n = 0; n < 5'000; ++n) map.try_emplace(key(n), 0);
    std::map<std::string, int> seen;
    std::uint64_t next = 5'000;
    for (auto place = text_map::begin; place != text_map::end;) {
      place =
          map.visit(place, 1 + random() % 700, [&](const text_map::entry& e) { ++seen[e.key]; });
      // The first 1,000 stay.
      for (auto n = random() % 900; n > 0; --n) {
        if (random() % 3) map.try_emplace(key(next++), 0);
        else map.erase(key(1'000 + random() % 4'000));
      }
    }
    for (std::uint64_t n = 0; n < 1'000; ++n) CHECK(seen[key(n)] == 1);
    for (const auto& [k, times] : seen) CHECK(times == 1);
  }
}

TEST_CASE("a copy made in parts, with what has changed since, is the map") {
  std::mt19937_64 random(3);
  std::size_t resent = 0;
  for (int round = 0; round < 60; ++round) {
    text_map map;
    const auto keys = 1 + random() % 6'000;
    const auto change = [&] {
      const auto k = key(random() % keys);
      switch (random() % 5) {
      case 0:
        map.erase(k);
        break;
      case 1:
        if (auto* there = map.edit(k)) ++*there;
        break;
      default:
        map.insert_or_assign(k, static_cast<int>(random()));
      }
      if (random() % 5'000 == 0) map.clear();
    };
    for (std::uint64_t n = 0; n < keys; ++n) change();
    CHECK(map.changed() == 0);

    std::map<std::string, int> copy;
    const auto catch_up = [&](std::size_t most) {
      map.take_changed(most, [&](std::string&& k, const text_map::entry* e) {
        ++resent;
        if (e) copy[k] = e->value;
        else copy.erase(k);
      });
    };
    for (auto place = text_map::begin; place != text_map::end;) {
      place = map.visit(place, 1 + random() % 500,
                        [&](const text_map::entry& e) { copy[e.key] = e.value; });
      map.watch(place);
      for (auto n = random() % 300; n > 0; --n) change();
      if (random() % 2) catch_up(random() % 200);
    }
    catch_up(~std::size_t{0});
    CHECK(map.changed() == 0);
    CHECK(copy == content(map));
    map.watch(text_map::begin);
    for (int n = 0; n < 100; ++n) change();
    CHECK(map.changed() == 0); // nobody wants to know any more
  }
  CHECK(resent > 1'000);
}

TEST_CASE("entries that are taken out part by part are in one of two maps") {
  std::mt19937_64 random(4);
  text_map from, to;
  for (std::uint64_t n = 0; n < 20'000; ++n) from.try_emplace(key(n), static_cast<int>(n));
  const auto expected = content(from);
  std::size_t parts = 0;
  for (auto place = text_map::begin; place != text_map::end; ++parts) {
    place = from.extract(place, text_map::end, 1 + random() % 900, [&](text_map::entry&& e) {
      CHECK(to.try_emplace(std::move(e.key), e.value).second);
    });
    CHECK(from.size() + to.size() == expected.size());
    const auto k = key(random() % 20'000);
    CHECK(from.contains(k) != to.contains(k));
  }
  CHECK(parts > 20);
  CHECK(from.empty());
  CHECK(content(to) == expected);
  from.try_emplace("again", 1);
  CHECK(from.size() == 1);
}

TEST_CASE("hashes spread keys that differ little, whatever the seed") {
  std::mt19937_64 random(5);
  // Of the highest and of the lowest bits, each value about as often.
  constexpr int keys = 64 * 1'000;
  const auto worst = [](auto make) {
    int most = 0;
    for (const int shift : {0, 58}) {
      std::array<int, 64> seen{};
      for (int n = 0; n < keys; ++n) most = std::max(most, ++seen[make(n) >> shift & 63]);
      CHECK(*std::min_element(seen.begin(), seen.end()) > 770);
    }
    return most;
  };
  std::vector<std::string> plain, long_ones;
  for (int n = 0; n < keys; ++n) {
    plain.push_back("key:" + std::to_string(n));
    long_ones.push_back(std::string(static_cast<std::size_t>(n % 300), 'x') +
                        std::to_string(n / 300));
  }
  for (int round = 0; round < 100; ++round) {
    const auto seed = round == 0 ? 0 : random();
    CAPTURE(seed);
    const auto at = [](int n) { return static_cast<std::size_t>(n); };
    CHECK(worst([&](int n) { return detail::hash_of(at(n), seed); }) < 1'230);
    CHECK(worst([&](int n) { return detail::hash_of(at(n) << 40, seed); }) < 1'230);
    CHECK(worst([&](int n) { return detail::hash_of(plain[at(n)], seed); }) < 1'230);
    CHECK(worst([&](int n) { return detail::hash_of(long_ones[at(n)], seed); }) < 1'230);
  }
}
