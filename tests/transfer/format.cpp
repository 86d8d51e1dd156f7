#include "transfer/format.hpp"

#include "made_schemas.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <vector>

using namespace instar;
using test::field;
using test::made_schemas;

namespace {

constexpr std::uint64_t id(unsigned n) { return 0x8000000000000100 + n; }

/// Without schemas: types are the same if their ids are, as among operators of one program.
format_question ask(std::vector<offered_format> exports, std::vector<offered_format> imports,
                    const std::vector<offered_converter>& converters) {
  format_question q;
  q.from_name = "kv@1";
  q.to_name = "kv@2";
  q.exports = std::move(exports);
  q.imports = std::move(imports);
  q.converters = &converters;
  return q;
}

offered_converter convert(unsigned from, unsigned to, std::uint32_t cost = 10) {
  return {"kv@9", id(from), id(to), cost, {}};
}

const std::vector<offered_converter> none;

/// The cheapest cost over all ways without a repeated converter; the fewest converters of those.
struct brute_force {
  const format_question& q;
  std::optional<std::pair<std::uint64_t, std::size_t>> best{};

  void go(std::uint64_t at, std::uint64_t cost, std::size_t steps, unsigned used) {
    for (const auto& i : q.imports)
      if (i.schema == at) {
        const std::pair way(cost + i.cost, steps);
        if (!best || way < *best) best = way;
      }
    for (std::size_t c = 0; c < q.converters->size(); ++c) {
      const auto& one = (*q.converters)[c];
      if ((used >> c & 1) == 0 && one.from == at)
        go(one.to, cost + one.cost, steps + 1, used | 1u << c);
    }
  }
  void run() {
    for (const auto& e : q.exports) go(e.schema, e.cost, 0, 0);
  }
};

/// What a route says of itself holds.
void check_route(const format_question& q, const format_route& r) {
  const auto find = [](const std::vector<offered_format>& in, std::uint64_t schema) {
    std::uint32_t cost = std::numeric_limits<std::uint32_t>::max();
    for (const auto& f : in)
      if (f.schema == schema) cost = std::min(cost, f.cost);
    REQUIRE(cost != std::numeric_limits<std::uint32_t>::max());
    return std::uint64_t{cost};
  };
  auto cost = find(q.exports, r.written) + find(q.imports, r.read);
  auto at = r.written;
  for (const auto s : r.steps) {
    REQUIRE(s < q.converters->size());
    CHECK((*q.converters)[s].from == at);
    at = (*q.converters)[s].to;
    cost += (*q.converters)[s].cost;
  }
  CHECK(at == r.read);
  CHECK(cost == r.cost);
}

} // namespace

TEST_CASE("a format that both sides name is taken as it is") {
  const auto r = negotiate(ask({{id(1), 1}}, {{id(1), 1}}, none));
  REQUIRE(bool(r));
  CHECK(r->written == id(1));
  CHECK(r->read == id(1));
  CHECK(r->steps.empty());
  CHECK(r->cost == 2);
}

TEST_CASE("the cheapest of several common formats wins, whichever side says the cost") {
  const auto r = negotiate(ask({{id(1), 5}, {id(2), 1}}, {{id(1), 1}, {id(2), 6}}, none));
  REQUIRE(bool(r));
  CHECK(r->written == id(1));
  CHECK(negotiate(ask({{id(1), 7}, {id(2), 1}}, {{id(1), 1}, {id(2), 6}}, none))->written == id(2));
}

TEST_CASE("a format that the old side exports at little cost beats converters, and else loses") {
  const std::vector<offered_converter> up = {convert(1, 2)};
  CHECK(negotiate(ask({{id(1), 1}, {id(2), 5}}, {{id(2), 1}}, up))->steps.empty());
  const auto r = negotiate(ask({{id(1), 1}, {id(2), 50}}, {{id(2), 1}}, up));
  REQUIRE(bool(r));
  CHECK(r->written == id(1));
  CHECK(r->steps == std::vector<std::size_t>{0});
  CHECK(r->cost == 12);
}

TEST_CASE("a chain of converters is found through versions in between") {
  const std::vector<offered_converter> chain = {convert(4, 5), convert(2, 3), convert(1, 2),
                                                convert(3, 4), convert(5, 1)};
  const auto r = negotiate(ask({{id(1), 1}}, {{id(5), 1}}, chain));
  REQUIRE(bool(r));
  CHECK(r->steps == std::vector<std::size_t>{2, 1, 3, 0});
  CHECK(r->cost == 42);
  CHECK(negotiate(ask({{id(5), 1}}, {{id(1), 1}}, chain))->steps == std::vector<std::size_t>{4});
}

TEST_CASE("of ways that cost the same, the one with fewer converters is taken") {
  const std::vector<offered_converter> ways = {convert(1, 2, 5), convert(2, 3, 5),
                                               convert(1, 3, 10), convert(1, 3, 10)};
  CHECK(negotiate(ask({{id(1), 1}}, {{id(3), 1}}, ways))->steps == std::vector<std::size_t>{2});
}

TEST_CASE("without a way the failure names both ends and what writes a converter") {
  const std::vector<offered_converter> wrong = {convert(2, 1), convert(1, 3)};
  const auto r = negotiate(ask({{id(1), 1}}, {{id(2), 1}}, wrong));
  REQUIRE_FALSE(bool(r));
  CHECK(r.error().code == errc::incompatible);
  CHECK(r.error().message == "no converter leads from @0x8000000000000101 to @0x8000000000000102; "
                             "`instarctl scaffold kv@1 kv@2` writes a skeleton of one");
  CHECK_FALSE(bool(negotiate(ask({}, {{id(2), 1}}, wrong))));
  CHECK_FALSE(bool(negotiate(ask({{id(1), 1}}, {}, wrong))));
}

TEST_CASE("two versions of one type fit only if Cap'n Proto's rules say so") {
  const auto v1 = made_schemas(id(1), "kv.capnp:State", {field::number});
  const auto v2 = made_schemas(id(1), "kv.capnp:State", {field::number, field::text});
  const auto odd = made_schemas(id(1), "kv.capnp:State", {field::text});
  auto q = ask({{id(1), 1}}, {{id(1), 1}}, none);
  q.from_schemas = v1;
  q.to_schemas = v2;
  CHECK(bool(negotiate(q)));
  q.to_schemas = odd;
  const auto r = negotiate(q);
  REQUIRE_FALSE(bool(r));
  CHECK(r.error().message.find("field 'f0'") != std::string::npos);
}

TEST_CASE("a converter that was built with another version of a type is passed by") {
  const auto state = [](std::vector<field> fields) {
    return made_schemas(id(1), "kv.capnp:State", fields);
  };
  auto q = ask({{id(1), 1}}, {{id(2), 1}}, none);
  q.from_schemas = state({field::number});
  // The first comes from a module whose version of the type is another; the second fits.
  std::vector<offered_converter> both = {convert(1, 2, 1), convert(1, 2, 9)};
  both[0].schemas = state({field::text});
  both[1].schemas = state({field::number, field::number});
  q.converters = &both;
  q.to_schemas = schema_set();
  // Whoever gets it knows the second type by its id only.
  CHECK_FALSE(bool(negotiate(q)));
  both[1].schemas = schema_set();
  q.from_schemas = schema_set();
  const auto r = negotiate(q);
  REQUIRE(bool(r));
  CHECK(r->steps == std::vector<std::size_t>{1});
}

TEST_CASE("all graphs of up to three types and three converters are searched right") {
  std::vector<std::pair<unsigned, unsigned>> pairs;
  for (unsigned a = 1; a <= 3; ++a)
    for (unsigned b = 1; b <= 3; ++b)
      if (a != b) pairs.emplace_back(a, b);
  std::size_t found = 0;
  for (unsigned set = 0; set < 1u << pairs.size(); ++set)
    for (std::uint32_t cost : {1u, 10u}) {
      std::vector<offered_converter> some;
      for (std::size_t i = 0; i < pairs.size(); ++i)
        if (set >> i & 1) some.push_back(convert(pairs[i].first, pairs[i].second, cost + i % 2));
      for (unsigned to = 1; to <= 3; ++to) {
        const auto q = ask({{id(1), 1}}, {{id(to), 1}}, some);
        const auto r = negotiate(q);
        brute_force expected{q};
        expected.run();
        REQUIRE(bool(r) == expected.best.has_value());
        if (!r) continue;
        ++found;
        check_route(q, *r);
        CHECK(std::pair(r->cost, r->steps.size()) == *expected.best);
      }
    }
  CHECK(found > 100);
}

TEST_CASE("random graphs are searched as by trying all ways") {
  std::mt19937_64 random(11);
  std::size_t found = 0;
  for (int round = 0; round < 2000; ++round) {
    const unsigned types = 2 + random() % 5;
    std::vector<offered_converter> some(random() % 9);
    for (auto& c : some)
      c = convert(random() % types, random() % types, static_cast<std::uint32_t>(random() % 12));
    std::erase_if(some, [](const auto& c) { return c.from == c.to; });
    const auto formats = [&] {
      std::vector<offered_format> list(1 + random() % 3);
      for (auto& f : list)
        f = {id(random() % types), 1 + static_cast<std::uint32_t>(random() % 20)};
      return list;
    };
    const auto q = ask(formats(), formats(), some);
    const auto r = negotiate(q);
    brute_force expected{q};
    expected.run();
    REQUIRE(bool(r) == expected.best.has_value());
    if (!r) continue;
    ++found;
    check_route(q, *r);
    CHECK(std::pair(r->cost, r->steps.size()) == *expected.best);
  }
  CHECK(found > 1000);
}
