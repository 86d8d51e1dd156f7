#include "actors/graph.hpp"

#include "graph_parts.hpp"
#include "made_schemas.hpp"

using namespace instar;
using namespace instar::test;

namespace {

constexpr std::uint64_t point_id = 0xf000'0000'0000'0001, line_id = 0xf000'0000'0000'0002;

/// A type whose ports carry records of `schema` (0 = none) in a module that carries `schemas`.
operator_description record_type(operator_description type, std::uint64_t schema,
                                 schema_set schemas) {
  for (auto* ports : {&type.inputs, &type.outputs})
    for (auto& p : *ports) p.schema = schema;
  type.schemas = std::move(schemas);
  return type;
}

operator_description follower(std::string name, const std::string& payload) {
  auto type = made_type(std::move(name), {"in:" + payload}, {"out:" + payload});
  type.outputs[0].follows = 0;
  return type;
}

const schema_set point_1 = made_schemas(point_id, "geo/point.capnp:Point", {field::number});
const schema_set point_2 =
    made_schemas(point_id, "geo/point.capnp:Point", {field::number, field::text});
const schema_set point_odd = made_schemas(point_id, "geo/point.capnp:Point", {field::text});
const schema_set line_1 = made_schemas(line_id, "geo/line.capnp:Line", {field::number});

type_shelf shelf() {
  type_shelf s;
  s.add(made_type("file", {}, {"out:page.file"}));
  s.add(made_type("deep", {}, {"out:page.file.zip"}));
  s.add(made_type("similar", {}, {"out:page.filet"}));
  s.add(made_type("memory", {}, {"out:page.memory"}));
  s.add(made_type("any", {"in:page"}, {}));
  s.add(made_type("files", {"in:page.file"}, {}));
  s.add(follower("pass", "page"));
  s.add(made_type("plain", {"in:page"}, {"out:page"}));
  s.add(record_type(made_type("point1", {}, {"out:record"}), point_id, point_1));
  s.add(record_type(made_type("point2", {}, {"out:record"}), point_id, point_2));
  s.add(record_type(made_type("bare", {}, {"out:record"}), point_id, {}));
  s.add(record_type(made_type("line", {}, {"out:record"}), line_id, line_1));
  s.add(record_type(made_type("odd", {"in:record"}, {}), point_id, point_odd));
  s.add(record_type(made_type("reads1", {"in:record"}, {}), point_id, point_1));
  s.add(record_type(made_type("reads2", {"in:record"}, {}), point_id, point_2));
  s.add(follower("tap", "*"));
  s.add(record_type(follower("records", "record"), point_id, point_1));
  return s;
}

/// Operators `name=type name=type`, arcs `a>b`; lines are 1, 2, 3 … for the arcs.
graph_check check(const std::vector<std::pair<std::string, std::string>>& operators,
                  const std::vector<std::pair<std::string, std::string>>& arcs) {
  graph g;
  g.origin = "/g.toml";
  for (const auto& [name, type] : operators) g.operators.push_back({name, type, 1, {}, {}, 100});
  std::size_t line = 0;
  for (const auto& [from, to] : arcs) g.arcs.push_back({from, "", to, "", 0, ++line});
  const auto types = shelf();
  return check_graph(std::move(g), types.lookup());
}

void check_good(const std::vector<std::pair<std::string, std::string>>& operators,
                const std::vector<std::pair<std::string, std::string>>& arcs) {
  check_mistakes(check(operators, arcs).mistakes, {});
}

} // namespace

TEST_CASE("an input accepts its payload type and refinements of it, not what begins alike") {
  check_good({{"a", "file"}, {"b", "files"}}, {{"a", "b"}});
  check_good({{"a", "deep"}, {"b", "files"}}, {{"a", "b"}});
  check_mistakes(check({{"a", "similar"}, {"b", "files"}}, {{"a", "b"}}).mistakes,
                 {"/g.toml:1: operator 'b': the arc a.out -> b.in carries page.filet, but files@1 "
                  "accepts page.file; exchange the operators at both ends together"});
  check_mistakes(
      check({{"a", "file"}, {"p", "plain"}, {"b", "files"}}, {{"a", "p"}, {"p", "b"}}).mistakes,
      {"carries page, but files@1 accepts page.file"});
}

TEST_CASE("all that enter one input have to fit it, also behind operators that pass them on") {
  check_good({{"a", "file"}, {"b", "memory"}, {"c", "any"}}, {{"a", "c"}, {"b", "c"}});
  check_good({{"a", "file"}, {"d", "deep"}, {"p", "pass"}, {"q", "pass"}, {"b", "files"}},
             {{"q", "b"}, {"p", "q"}, {"a", "p"}, {"d", "p"}});
  const auto mixed = check({{"a", "file"}, {"m", "memory"}, {"p", "pass"}, {"b", "files"}},
                           {{"a", "p"}, {"m", "p"}, {"p", "b"}});
  check_mistakes(mixed.mistakes, {"/g.toml:3: operator 'b': the arc p.out -> b.in carries "
                                  "page.memory of memory@1, but files@1 accepts page.file"});
}

TEST_CASE("what does not fit is told once, not again for all that is behind it") {
  check_mistakes(check({{"a", "point1"}, {"p", "pass"}, {"q", "pass"}, {"b", "any"}},
                       {{"a", "p"}, {"p", "q"}, {"q", "b"}})
                     .mistakes,
                 {"carries record, but pass@1 accepts page"});
}

TEST_CASE("records have to be of the schema that the input names, in a version that it can read") {
  check_good({{"a", "point1"}, {"b", "reads1"}}, {{"a", "b"}});
  check_good({{"a", "point1"}, {"b", "reads2"}}, {{"a", "b"}});
  check_good({{"a", "point2"}, {"b", "reads1"}}, {{"a", "b"}});
  check_mistakes(check({{"a", "line"}, {"b", "reads1"}}, {{"a", "b"}}).mistakes,
                 {"carries line.capnp:Line, but reads1@1 accepts point.capnp:Point; use operators "
                  "that agree on the schema"});
  check_mistakes(check({{"a", "point1"}, {"b", "odd"}}, {{"a", "b"}}).mistakes,
                 {"/g.toml:1: operator 'b': the arc a.out -> b.in carries packets that odd@1 "
                  "cannot read: "});
  check_mistakes(check({{"a", "bare"}, {"b", "reads1"}}, {{"a", "b"}}).mistakes,
                 {"the arc a.out -> b.in carries packets that reads1@1 cannot read: "});
}

TEST_CASE("a record that is passed on is judged by who wrote it") {
  check_good({{"a", "point2"}, {"p", "records"}, {"b", "reads2"}}, {{"a", "p"}, {"p", "b"}});
  check_mistakes(
      check({{"a", "point2"}, {"p", "records"}, {"b", "odd"}}, {{"a", "p"}, {"p", "b"}}).mistakes,
      {"/g.toml:2: operator 'b': the arc p.out -> b.in carries packets of point2@1 that "
       "odd@1 cannot read: "});
}

TEST_CASE(
    "an input of * accepts everything, and what is behind it is judged as if it were not there") {
  check_good({{"a", "deep"}, {"t", "tap"}, {"b", "files"}}, {{"a", "t"}, {"t", "b"}});
  check_good({{"a", "point2"}, {"t", "tap"}, {"u", "tap"}, {"b", "reads2"}},
             {{"a", "t"}, {"t", "u"}, {"u", "b"}});
  check_mistakes(
      check({{"a", "file"}, {"t", "tap"}, {"b", "memory"}, {"c", "reads1"}},
            {{"a", "t"}, {"t", "c"}})
          .mistakes,
      {"the arc t.out -> c.in carries page.file of file@1, but reads1@1 accepts record"});
  check_mistakes(
      check({{"a", "point2"}, {"t", "tap"}, {"b", "odd"}}, {{"a", "t"}, {"t", "b"}}).mistakes,
      {"carries packets of point2@1 that odd@1 cannot read: "});
}

TEST_CASE("every cycle is told, in the order of its arcs, from the first of its operators") {
  const std::string tail = "); give one of its arcs feedback = \"hand_over\"";
  check_mistakes(
      check({{"a", "pass"},
             {"b", "pass"},
             {"c", "pass"},
             {"d", "pass"},
             {"e", "pass"},
             {"s", "file"}},
            {{"s", "a"}, {"b", "c"}, {"c", "a"}, {"a", "b"}, {"c", "d"}, {"d", "e"}, {"e", "d"}})
          .mistakes,
      {"/g.toml:100: operator 'a': is on a cycle (a -> b -> c -> a" + tail,
       "/g.toml:100: operator 'd': is on a cycle (d -> e -> d" + tail});
}

TEST_CASE("an arc from an operator to itself, and an arc given twice, are mistakes") {
  check_mistakes(
      check({{"a", "pass"}, {"s", "file"}}, {{"s", "a"}, {"a", "a"}, {"s", "a"}}).mistakes,
      {"/g.toml:2: operator 'a': an arc leads from it to itself; remove it",
       "/g.toml:3: operator 's': the arc s.out -> a.in is given twice"});
}

TEST_CASE("a name that is wrong in a whole chain is told once for its line") {
  graph g;
  g.origin = "/g.toml";
  g.operators = {{"s", "file", 1, {}, {}, 1}, {"k", "any", 1, {}, {}, 2}};
  g.arcs = {{"s", "", "kk", "", 0, 5}, {"kk", "", "k", "", 0, 5}};
  const auto types = shelf();
  check_mistakes(check_graph(g, types.lookup()).mistakes,
                 {"/g.toml:5: operator 'kk': an arc names it, but it is not among the operators; "
                  "did you mean 'k'?"});
}

TEST_CASE("graphs of ten thousand operators, good or full of mistakes, are checked in no time") {
  constexpr int n = 10'000;
  std::vector<std::pair<std::string, std::string>> operators{{"op0", "file"}}, arcs;
  for (int i = 1; i < n; ++i) {
    operators.emplace_back("op" + std::to_string(i), "pass");
    arcs.emplace_back(operators[i - 1].first, operators[i].first);
    if (i > 1) arcs.emplace_back(operators[i - 2].first, operators[i].first);
  }
  check_good(operators, arcs);
  for (auto& [from, to] : arcs) std::swap(from, to);
  CHECK_FALSE(check(operators, arcs).mistakes.empty());
  for (int i = 1; i < n; ++i) arcs.emplace_back(operators[i - 1].first, operators[i].first);
  CHECK_FALSE(check(operators, arcs).mistakes.empty());
  for (auto& [from, to] : arcs) from += "x";
  CHECK(check(operators, arcs).mistakes.size() > n);
}
