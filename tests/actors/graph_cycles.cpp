#include "actors/graph.hpp"

#include "graph_parts.hpp"

using namespace instar;
using namespace instar::test;

namespace {

using policy = feedback_policy;

operator_description follower(std::string name, std::vector<std::string> inputs,
                              std::vector<std::string> outputs) {
  auto type = made_type(std::move(name), std::move(inputs), std::move(outputs));
  for (auto& out : type.outputs) out.follows = 0;
  return type;
}

type_shelf shelf() {
  type_shelf s;
  s.add(made_type("file", {}, {"out:page.file"}));
  s.add(made_type("memory", {}, {"out:page.memory"}));
  s.add(made_type("any", {"in:page"}, {}));
  s.add(made_type("files", {"in:page.file"}, {}));
  s.add(follower("pass", {"in:page"}, {"out:page"}));
  s.add(follower("back", {"again:page", "in:page"}, {"out:page"}));
  return s;
}

/// Operators `name=type`; arcs "a b" get the lines 1, 2, 3 …; "a b ~" is a feedback arc.
std::vector<failure> mistakes(const std::vector<std::pair<std::string, std::string>>& operators,
                              const std::vector<std::string>& arcs) {
  graph g;
  g.origin = "/g.toml";
  for (const auto& [name, type] : operators) g.operators.push_back({name, type, 1, {}, {}, 100});
  for (const auto& text : arcs) {
    const auto space = text.find(' '), end = std::min(text.find(" ~"), text.size());
    auto to = text.substr(space + 1, end - space - 1);
    const auto dot = std::min(to.find('.'), to.size());
    g.arcs.push_back({text.substr(0, space), "", to.substr(0, dot),
                      dot < to.size() ? to.substr(dot + 1) : "", 0, g.arcs.size() + 1,
                      end < text.size() ? policy::drain : policy::none});
  }
  const auto types = shelf();
  return check_graph(std::move(g), types.lookup()).mistakes;
}

} // namespace

TEST_CASE("a cycle with a feedback arc is good, wherever in it that is") {
  const std::vector<std::pair<std::string, std::string>> operators{
      {"s", "file"}, {"a", "pass"}, {"b", "pass"}, {"c", "pass"}, {"t", "files"}};
  check_mistakes(mistakes(operators, {"s a", "a b", "b c", "c a ~", "c t"}), {});
  check_mistakes(mistakes(operators, {"s a", "a b ~", "b c", "c a", "a t"}), {});
  check_mistakes(mistakes(operators, {"s a", "a b", "b c", "c a ~", "b a ~", "c b ~", "c t"}), {});
}

TEST_CASE("every cycle needs a feedback arc: one that has none is told, with the remedy") {
  const std::string tail = "); give one of its arcs feedback = \"hand_over\"";
  const std::vector<std::pair<std::string, std::string>> operators{
      {"s", "file"}, {"a", "pass"}, {"b", "pass"}, {"c", "pass"}, {"d", "pass"}};
  check_mistakes(mistakes(operators, {"s a", "a b", "b a ~", "b c", "c d", "d c"}),
                 {"/g.toml:100: operator 'c': is on a cycle (c -> d -> c" + tail});
  check_mistakes(mistakes(operators, {"s a", "a b", "b a ~", "b c", "c a", "c d"}),
                 {"/g.toml:100: operator 'a': is on a cycle (a -> b -> c -> a" + tail});
}

TEST_CASE("a feedback arc that closes no cycle is a mistake") {
  const std::vector<std::pair<std::string, std::string>> operators{
      {"s", "file"}, {"a", "pass"}, {"b", "pass"}, {"t", "any"}};
  check_mistakes(mistakes(operators, {"s a", "a b ~", "b t"}),
                 {"/g.toml:2: operator 'a': the feedback arc a.out -> b.in closes no cycle: no "
                  "ordinary arcs lead from 'b' to 'a'; remove its feedback"});
  // Each of two feedback arcs would close a cycle only with the other.
  check_mistakes(mistakes(operators, {"s a", "a b ~", "b a ~", "b t"}),
                 {"/g.toml:2: operator 'a': the feedback arc a.out -> b.in closes no cycle",
                  "/g.toml:3: operator 'b': the feedback arc b.out -> a.in closes no cycle"});
}

TEST_CASE("an arc from an operator to itself has to be a feedback arc") {
  const std::vector<std::pair<std::string, std::string>> operators{{"s", "file"}, {"a", "pass"}};
  check_mistakes(mistakes(operators, {"s a", "a a ~"}), {});
  check_mistakes(mistakes(operators, {"s a", "a a"}),
                 {"/g.toml:2: operator 'a': an arc leads from it to itself; remove it, or give it "
                  "feedback = \"hand_over\""});
}

TEST_CASE("what comes back along a feedback arc has to fit, too") {
  check_mistakes(
      mistakes({{"s", "file"}, {"a", "pass"}, {"m", "memory"}, {"b", "pass"}, {"t", "files"}},
               {"s a", "a b", "b a ~", "m b", "a t"}),
      {"/g.toml:5: operator 't': the arc a.out -> t.in carries page.memory of memory@1, but "
       "files@1 "
       "accepts page.file"});
}

TEST_CASE("an output that follows an input carries only what comes back there") {
  check_mistakes(mistakes({{"s", "file"},
                           {"m", "memory"},
                           {"a", "pass"},
                           {"b", "back"},
                           {"c", "pass"},
                           {"t", "files"}},
                          {"s a", "m b.in", "b a", "a c", "c b.again ~", "c t"}),
                 {});
}

TEST_CASE("ten thousand loops, beside and within each other, are checked in no time") {
  constexpr int n = 10'000;
  std::vector<std::pair<std::string, std::string>> operators{{"op0", "file"}};
  std::vector<std::string> row, nested;
  const auto name = [](int i) { return "op" + std::to_string(i); };
  for (int i = 1; i < n; ++i) {
    operators.emplace_back(name(i), "pass");
    row.push_back(name(i - 1) + " " + name(i));
    if (i > 1) row.push_back(name(i) + " " + name(i - 1) + " ~");
  }
  operators.emplace_back("late", "memory");
  row.push_back("late " + name(n - 1));
  check_mistakes(mistakes(operators, row), {});
  for (int i = 1; i < n; ++i) nested.push_back(name(i - 1) + " " + name(i));
  for (int i = 1; i < n / 2; ++i) nested.push_back(name(n - i) + " " + name(i) + " ~");
  nested.push_back("late " + name(1));
  check_mistakes(mistakes(operators, nested), {});
}
