#include "actors/metrics.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace instar;

namespace {

const std::vector<metric_description> some = {
    {"shop_sales_total", "Sales.", metric_kind::counter, {{"kind", "cash"}}},
    {"shop_sales_total", "Sales.", metric_kind::counter, {{"kind", "card"}}},
    {"shop_open", "Whether it is open.", metric_kind::gauge},
    {"shop_wait_seconds", "Waiting.", metric_kind::histogram, {}, 1e-3, {1, 10, 100}},
};

/// A service without a graph.
struct empty_service final : metrics {
  observation look() override {
    observation seen;
    seen.own = own();
    return seen;
  }
};

} // namespace

TEST_CASE("own metrics count each series by itself") {
  own_metrics m(some);
  m.add(0);
  m.add(1, 5);
  m.set(2, 1);
  for (const std::uint64_t value : {0, 1, 2, 10, 11, 1000}) m.record(3, value);
  const auto seen = m.samples();
  REQUIRE(seen.size() == 4);
  CHECK(seen[0].value == 1);
  CHECK(seen[1].value == 5);
  CHECK(seen[2].value == 1);
  CHECK(seen[3].counts == std::vector<std::uint64_t>{2, 2, 1, 1});
  CHECK(seen[3].value == doctest::Approx(1.024));
}

TEST_CASE("own metrics may be counted by several threads") {
  own_metrics m(some);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (std::uint64_t n = 0; n < 10'000; ++n) {
        m.add(0);
        m.record(3, n % 200);
      }
    });
  for (auto& t : threads) t.join();
  CHECK(m.samples()[0].value == 40'000);
  CHECK(m.numbers(3) == std::vector<std::uint64_t>{3'980'000, 400, 1800, 18'000, 19'800});
}

TEST_CASE("a description that is none is refused by name") {
  const auto refused = [](metric_description of) {
    try {
      own_metrics m({std::move(of)});
    } catch (const std::invalid_argument& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  CHECK(refused({"sales", "h"}).find("'sales'") != std::string::npos);
  CHECK(refused({"sales_total", "two\nlines"}) != "");
  CHECK(refused({"9_total", "h"}) != "");
  CHECK(refused({"a b_total", "h"}) != "");
  CHECK(refused({"a_total", "h", metric_kind::gauge}) != "");
  CHECK(refused({"a_total", "h", metric_kind::counter, {{"operator", "x"}}}) != "");
  CHECK(refused({"a_total", "h", metric_kind::counter, {{"le", "x"}}}) != "");
  CHECK(refused({"a_total", "h", metric_kind::counter, {{"b-c", "x"}}}) != "");
  CHECK(refused({"a", "h", metric_kind::histogram}) != "");
  CHECK(refused({"a", "h", metric_kind::histogram, {}, 1, {5, 5}}) != "");
  CHECK(refused({"a", "h", metric_kind::histogram, {}, 0, {5}}) != "");
  CHECK(refused({"a_seconds", "h", metric_kind::histogram, {}, 1, {5, 6}}) == "");
  CHECK_THROWS_AS(own_metrics({some[0], some[0]}), std::invalid_argument);
}

TEST_CASE("numbers that were saved come back, those of another length are left alone") {
  own_metrics m(some), other(some);
  m.add(1, 7);
  m.record(3, 50);
  for (std::size_t i = 0; i < some.size(); ++i) other.set_numbers(i, m.numbers(i));
  CHECK(other.samples()[1].value == 7);
  CHECK(other.numbers(3) == m.numbers(3));
  const std::uint64_t longer[] = {1, 2, 3};
  other.set_numbers(1, longer);
  CHECK(other.samples()[1].value == 7);
}

TEST_CASE("own metrics are shown as long as somebody shows them, under the latest name") {
  empty_service all;
  auto m = all.make(some);
  m->add(0, 3);
  CHECK(all.look().own.empty());
  auto shown = all.show("shop", m);
  REQUIRE(all.look().own.size() == 1);
  CHECK(all.look().own[0].name == "shop");
  auto renamed = all.show("store", m); // the successor's, while the old instance has yet to end
  REQUIRE(all.look().own.size() == 1);
  CHECK(all.look().own[0].name == "store");
  CHECK(all.look().own[0].samples[0].value == 3);
  auto fresh = all.make(some);
  auto instead = all.show("store", fresh); // not taken over
  REQUIRE(all.look().own.size() == 1);
  CHECK(all.look().own[0].samples[0].value == 0);
  shown = renamed = instead = nullptr;
  CHECK(all.look().own.empty());
}

TEST_CASE("a successor finds the metrics of its predecessor by their number, while there are any") {
  empty_service all;
  auto m = all.make(some);
  const auto id = m->id();
  CHECK(id != 0);
  CHECK(all.find(id) == m);
  CHECK(all.find(id + 1) == nullptr);
  m = nullptr;
  CHECK(all.find(id) == nullptr);
  CHECK(all.make(some)->id() != id);
}
