#include "actors/graph_text.hpp"

#include "actors/graph_file.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <random>

using namespace instar;

namespace {

/// Graphs of every kind of content that a graph file can have.
class random_graphs {
public:
  explicit random_graphs(unsigned seed) : random_(seed) {}

  graph next() {
    graph g;
    g.origin = "/srv/g.toml";
    g.name = text();
    for (auto n = below(3); n > 0; --n) g.modules.push_back("/m/" + name());
    for (std::size_t i = 0, n = 1 + below(8); i < n; ++i) {
      g.operators.push_back(
          random_operator("op" + std::to_string(below(1000)) + "-" + std::to_string(i)));
    }
    for (auto n = below(10); n > 0; --n) {
      const auto& from = g.operators[below(g.operators.size())].name;
      const auto& to = g.operators[below(g.operators.size())].name;
      g.arcs.push_back({from, below(2) ? name() : "", to, below(2) ? name() : "",
                        1 + below(max_arc_capacity), 0, static_cast<feedback_policy>(below(3))});
    }
    return g;
  }

private:
  std::size_t below(std::size_t n) { return random_() % n; }
  std::string name() { return "n" + std::to_string(below(10'000)); }

  std::string text() {
    static const std::vector<std::string> parts{"a",    "\"", "\\",         "\n", "\t", "\x01",
                                                "\x7f", "ä",  "\U0001F41B", " ",  "'",  "#",
                                                "=",    "[",  "@",          "."};
    std::string out;
    for (auto n = below(12); n > 0; --n) out += parts[below(parts.size())];
    return out;
  }

  setting_value value() {
    switch (below(4)) {
    case 0:
      return text();
    case 1:
      return static_cast<std::int64_t>(random_());
    case 2:
      return below(2) ? static_cast<double>(random_()) * 1e-9 : 1e300 / (1.0 + below(7));
    default:
      return below(2) == 0;
    }
  }

  operator_node random_operator(std::string op_name) {
    operator_node op;
    op.name = std::move(op_name);
    op.type = name() + "." + name();
    op.version = 1 + static_cast<std::uint32_t>(below(std::numeric_limits<std::uint32_t>::max()));
    op.on_error = {static_cast<error_strategy>(below(3)), static_cast<std::uint32_t>(below(1000)),
                   std::chrono::nanoseconds(random_() >> 1)};
    if (below(4) == 0) op.was = name();
    for (auto n = below(4); n > 0; --n) {
      auto key = below(3) ? name() : text();
      op.values.set(key, value());
    }
    return op;
  }

  std::mt19937_64 random_;
};

void check_same(const graph& a, const graph& b) {
  CHECK(a.name == b.name);
  CHECK(a.modules == b.modules);
  REQUIRE(a.operators.size() == b.operators.size());
  for (std::size_t i = 0; i < a.operators.size(); ++i) {
    const auto &x = a.operators[i], &y = b.operators[i];
    CHECK(x.name == y.name);
    CHECK(x.reference() == y.reference());
    CHECK(x.values == y.values);
    CHECK(x.on_error == y.on_error);
    CHECK(x.was == y.was);
  }
  REQUIRE(a.arcs.size() == b.arcs.size());
  for (std::size_t i = 0; i < a.arcs.size(); ++i) {
    CHECK(a.arcs[i].name() == b.arcs[i].name());
    CHECK(a.arcs[i].capacity == b.arcs[i].capacity);
    CHECK(a.arcs[i].feedback == b.arcs[i].feedback);
  }
}

graph small() {
  graph g;
  g.name = "ho\"use";
  g.origin = "/srv/g.toml";
  g.operators.push_back({"door", "x.door", 2, {}, {}, 0});
  g.operators.back().values.set("port", std::int64_t{80});
  g.operators.push_back({"hall", "x.hall", 1, {}, {}, 0});
  g.arcs.push_back({"door", "out", "hall", "in", 7, 0});
  g.arcs.push_back({"hall", "back", "door", "in", 9, 0, feedback_policy::drain});
  return g;
}

} // namespace

TEST_CASE("any graph that is written as TOML reads as the same graph") {
  random_graphs graphs(5);
  for (int i = 0; i < 1'000; ++i) {
    const auto g = graphs.next();
    const auto text = to_toml(g);
    const auto again = parse_graph(text, g.origin);
    for (const auto& m : again.mistakes) FAIL(m.message << "\n" << text);
    check_same(g, again.content);
    CHECK(to_toml(again.content) == text);
  }
}

TEST_CASE("a graph of thousands of operators is written and read again") {
  graph g;
  g.origin = "/srv/g.toml";
  for (int i = 0; i < 10'000; ++i)
    g.operators.push_back({"op" + std::to_string(i), "x", 1, {}, {}, 0});
  for (int i = 1; i < 10'000; ++i)
    g.arcs.push_back({g.operators[i - 1].name, "", g.operators[i].name, "", 1, 0});
  const auto again = parse_graph(to_toml(g), g.origin);
  REQUIRE(again.mistakes.empty());
  CHECK(again.content.operators.size() == 10'000);
  CHECK(again.content.arcs.back().to == "op9999");
}

TEST_CASE("a listing for people names operators, settings and arcs") {
  CHECK(to_text(small()) == "graph ho\"use (/srv/g.toml)\n"
                            "operators\n"
                            "  door  x.door@2  port=80\n"
                            "  hall  x.hall@1\n"
                            "arcs\n"
                            "  door.out -> hall.in  [7]\n"
                            "  hall.back -> door.in  [9]  feedback: drain\n");
}

TEST_CASE("Graphviz gets quoted names and port labels") {
  CHECK(to_dot(small()) == "digraph \"ho\\\"use\" {\n"
                           "  rankdir=LR;\n"
                           "  node [shape=box];\n"
                           "  \"door\" [label=\"door : x.door@2\"];\n"
                           "  \"hall\" [label=\"hall : x.hall@1\"];\n"
                           "  \"door\" -> \"hall\" [taillabel=\"out\", headlabel=\"in\"];\n"
                           "  \"hall\" -> \"door\" [taillabel=\"back\", headlabel=\"in\", "
                           "style=dashed, label=\"drain\"];\n"
                           "}\n");
}

TEST_CASE("a graph without operators is understood again") {
  graph g;
  g.name = "none";
  g.origin = "/srv/none.toml";
  const auto again = parse_graph(to_toml(g), g.origin);
  CHECK(again.mistakes.empty());
  CHECK(to_toml(again.content) == to_toml(g));
}
