#include "actors/replicas.hpp"

#include "actors/graph_file.hpp"
#include "actors/graph_text.hpp"
#include "actors/key_sketch.hpp"

#include <doctest/doctest.h>

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

using namespace instar;

namespace {

graph random_graph(std::mt19937_64& random) {
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  graph g;
  g.name = "g";
  g.origin = "/srv/g.toml";
  for (std::size_t i = 0, n = 1 + below(6); i < n; ++i) {
    operator_node op;
    op.name = "op" + std::to_string(i);
    op.type = "t";
    op.version = 1;
    if (below(2)) op.replicas = static_cast<std::uint32_t>(1 + below(6));
    if (below(2)) op.key = key_kind::hash;
    if (below(4) == 0) op.was = "former" + std::to_string(i);
    g.operators.push_back(op);
  }
  std::set<std::string> names;
  for (auto n = below(10); n > 0; --n) {
    arc_node a;
    a.from = g.operators[below(g.operators.size())].name;
    a.to = g.operators[below(g.operators.size())].name;
    if (below(2)) a.from_port = "out" + std::to_string(below(2));
    if (below(2)) a.to_port = "in" + std::to_string(below(2));
    a.capacity = 1 + below(100);
    a.feedback = static_cast<feedback_policy>(below(3));
    if (names.insert(a.name()).second) g.arcs.push_back(a);
  }
  return g;
}

std::size_t replicas_at(const graph& g, const std::string& name) { return g.find(name)->replicas; }

std::string mistakes_of(const std::string& text, std::vector<setting_override> overrides = {}) {
  std::string all;
  const auto file =
      parse_graph("[graph]\n[operators.a]\ntype = \"t@1\"\n" + text, "/g.toml", overrides);
  for (const auto& m : file.mistakes) all += m.message + "\n";
  return all;
}

} // namespace

TEST_CASE("every place is in exactly one lane, and lanes are equally wide") {
  std::mt19937_64 random(7);
  for (std::size_t lanes = 1; lanes <= max_lanes; ++lanes) {
    std::uint64_t next = 0;
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      const auto range = range_of(lane, lanes);
      CHECK(range.from == next);
      CHECK(lane_of(range.from, lanes) == lane);
      const bool last = lane + 1 == lanes;
      CHECK(lane_of(last ? range.to : range.to - 1, lanes) == lane);
      if (!last) CHECK(lane_of(range.to, lanes) == lane + 1);
      next = range.to;
    }
    CHECK(next == ~std::uint64_t{0});
    for (int i = 0; i < 100; ++i) {
      const std::uint64_t place = random();
      const auto range = range_of(lane_of(place, lanes), lanes);
      CHECK(place >= range.from);
      CHECK(place <= range.to);
    }
  }
}

TEST_CASE("numbers that follow one another are spread evenly over the lanes") {
  constexpr std::size_t lanes = 8, keys = 80'000;
  std::vector<std::size_t> got(lanes);
  for (std::uint64_t k = 0; k < keys; ++k) ++got[lane_of(place_of(k, key_kind::number), lanes)];
  for (const auto n : got) {
    CHECK(n > keys / lanes * 9 / 10);
    CHECK(n < keys / lanes * 11 / 10);
  }
}

TEST_CASE("a key that is a hash is its own place") {
  CHECK(place_of(42, key_kind::hash) == 42);
  CHECK(place_of(42, key_kind::number) == key_hash<std::uint64_t>()(42));
}

TEST_CASE("any graph that is expanded has so many operators and arcs, and folds back") {
  std::mt19937_64 random(11);
  for (int i = 0; i < 1'000; ++i) {
    const auto g = random_graph(random);
    const auto wide = expand_replicas(g);
    std::size_t operators = 0, arcs = 0;
    for (const auto& op : g.operators) operators += op.replicas;
    for (const auto& a : g.arcs) arcs += replicas_at(g, a.from) * replicas_at(g, a.to);
    CHECK(wide.operators.size() == operators);
    CHECK(wide.arcs.size() == arcs);
    std::set<std::string> names;
    for (const auto& op : wide.operators) CHECK(names.insert(op.name).second);
    for (const auto& a : wide.arcs) {
      CHECK(names.count(a.from) == 1);
      CHECK(names.count(a.to) == 1);
      CHECK(a.lanes == wide.find(a.to)->replicas);
      CHECK(a.lane == wide.find(a.to)->replica);
      if (a.lanes > 1) CHECK(a.key == wide.find(a.to)->key);
    }
    CHECK(to_toml(wide) == to_toml(g));
    CHECK(to_text(fold_replicas(wide)) == to_text(g));
    // Once is enough.
    CHECK(to_text(expand_replicas(wide)) == to_text(wide));
  }
}

TEST_CASE("replicas of different numbers have no name in common") {
  CHECK(replica_name("store", 0, 4) == "store:0/4");
  CHECK(replica_name("store", 0, 2) != replica_name("store", 0, 4));
}

TEST_CASE("replicas and keys are read from a graph file, and by --set") {
  const std::string start = "[graph]\n[operators.a]\ntype = \"t@1\"\n";
  auto file = parse_graph(start + "replicas = 4\nkey = \"hash\"\n", "/g.toml");
  REQUIRE(file.mistakes.empty());
  CHECK(file.content.operators[0].replicas == 4);
  CHECK(file.content.operators[0].key == key_kind::hash);
  CHECK(file.content.operators[0].values.all().empty());
  file = parse_graph(start, "/g.toml", {{"a", "replicas", "64"}, {"a", "key", "hash"}});
  REQUIRE(file.mistakes.empty());
  CHECK(file.content.operators[0].replicas == 64);
  CHECK(file.content.operators[0].key == key_kind::hash);
  CHECK(mistakes_of("") == "");
}

TEST_CASE("a wrong number of replicas or kind of key is told with what to write") {
  const auto has = [](const std::string& text, const std::string& what) {
    return text.find(what) != std::string::npos;
  };
  for (const char* wrong : {"replicas = 0", "replicas = 65", "replicas = -1"})
    CHECK(has(mistakes_of(wrong), "is out of range; write 1 to 64"));
  CHECK(has(mistakes_of("replicas = \"4\""), "replicas is a string; write a number"));
  CHECK(has(mistakes_of("key = \"hsh\""), "key = \"hsh\" is unknown"));
  CHECK(has(mistakes_of("key = 3"), "key is an integer; write \"number\" or \"hash\""));
  CHECK(has(mistakes_of("", {{"a", "replicas", "many"}}), "'many' is no number of replicas"));
  CHECK(has(mistakes_of("", {{"a", "replicas", "100"}}), "--set a.replicas: "));
  CHECK(has(mistakes_of("", {{"a", "key", "x"}}), "is unknown"));
}

TEST_CASE("a key that comes often is known among very many") {
  std::mt19937_64 random(3);
  key_sketch keys;
  CHECK(keys.most().count == 0);
  for (int i = 0; i < 100'000; ++i) keys.see(random() % 10 < 4 ? 42 : random());
  CHECK(keys.most().key == 42);
  const auto share = static_cast<double>(keys.most().count) / static_cast<double>(keys.seen());
  CHECK(share > 0.2);
  CHECK(share < 0.45);
  // What has ended is forgotten.
  for (int i = 0; i < 100'000; ++i) keys.see(random() % 2 ? 43 : random());
  CHECK(keys.most().key == 43);
}
