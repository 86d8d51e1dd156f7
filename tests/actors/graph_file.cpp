#include "actors/graph_file.hpp"
#include "actors/graph_text.hpp"

#include <doctest/doctest.h>

#include <random>

using namespace instar;

namespace {

constexpr auto good = R"(
[graph]
name = "shop"
modules = ["modules", "/opt/more.so"]
arcs = ["door -> till -> exit",
        { chain = "door.side -> exit", capacity = 7 }]

[operators.door]
type = "shop.door@2"
width = 3
wide = true
label = "front \"A\""
on_error = "resume"
max_errors = 4
error_window = "1min"

[operators.till]
type = "shop.till@1"
rate = 0.5

[operators.exit]
type = "shop.exit@1"
)";

/// The mistakes in a file, one per line.
std::string mistakes(std::string_view text, const std::vector<setting_override>& overrides = {}) {
  std::string lines;
  for (const auto& m : parse_graph(text, "/srv/shop.toml", overrides).mistakes)
    lines += m.message + "\n";
  return lines;
}

/// The good file with one part exchanged.
std::string with(std::string_view part, std::string_view other) {
  std::string text = good;
  text.replace(text.find(part), part.size(), other);
  return text;
}

} // namespace

TEST_CASE("a graph file gives operators, arcs and where modules are") {
  const auto file = parse_graph(good, "/srv/shop.toml");
  REQUIRE(mistakes(good) == "");
  const auto& g = file.content;
  CHECK(g.name == "shop");
  CHECK(g.modules == std::vector<std::filesystem::path>{"/srv/modules", "/opt/more.so"});
  REQUIRE(g.arcs.size() == 3);
  CHECK(g.arcs[0].from == "door");
  CHECK(g.arcs[0].to == "till");
  CHECK(g.arcs[0].capacity == default_arc_capacity);
  CHECK(g.arcs[2].from_port == "side");
  CHECK(g.arcs[2].capacity == 7);
  const auto* door = g.find("door");
  REQUIRE(door);
  CHECK(door->reference() == "shop.door@2");
  CHECK(door->line == 8);
  CHECK(door->values.all().size() == 3);
  CHECK(door->on_error == error_policy{error_strategy::resume, 4, std::chrono::minutes(1)});
}

TEST_CASE("a graph written as TOML reads as the same graph") {
  const auto first = parse_graph(good, "/srv/shop.toml").content;
  const auto again = parse_graph(to_toml(first), "/srv/shop.toml");
  REQUIRE(again.mistakes.empty());
  CHECK(to_toml(again.content) == to_toml(first));
  CHECK(again.content.modules == first.modules);
  CHECK(again.content.find("door")->values == first.find("door")->values);
  CHECK(again.content.find("door")->on_error == first.find("door")->on_error);
}

TEST_CASE("what is not TOML is refused with line and column") {
  const auto line = mistakes("[graph]\nname = \"x\narcs = 3");
  CHECK(line.find("/srv/shop.toml:2:") == 0);
  CHECK(line.find("not TOML") != std::string::npos);
}

TEST_CASE("every mistake names its line and its operator, and says what to write") {
  const auto expect = [](const std::string& text, const std::string& line) {
    CHECK(mistakes(text).find(line) != std::string::npos);
    CAPTURE(mistakes(text));
    CAPTURE(line);
    CHECK(mistakes(text).find("/srv/shop.toml:") == 0);
  };
  expect(with("\"shop.till@1\"", "\"shop.till\""),
         "operator 'till': 'shop.till' is no type; write \"NAME@VERSION\"");
  expect(with("shop.till@1", "shop.till@0"), "operator 'till'");
  expect(with("type = \"shop.exit@1\"", ""), "operator 'exit': has no type");
  expect(with("\"resume\"", "\"resum\""), "did you mean 'resume'?");
  expect(with("\"1min\"", "\"soon\""), "operator 'door': error_window: 'soon' is no duration");
  expect(with("max_errors = 4", "max_errors = -1"), "max_errors is out of range");
  expect(with("width = 3", "width = [1]"), "operator 'door': setting 'width' is an array");
  expect(with("door -> till -> exit", "door -> -> exit"), "is no chain");
  expect(with("door -> till -> exit", "door"), "leads nowhere");
  expect(with("capacity = 7", "capacity = 0"), "out of range");
  expect(with("name = \"shop\"", "nam = \"shop\""), "did you mean 'name'?");
  expect(with("[operators.exit]", "[operator.exit]"), "did you mean 'operators'?");
  expect(with("modules = [", "modules = 3 #"), "");
}

TEST_CASE("all mistakes are told at once") {
  const auto text = with("shop.till@1", "till");
  auto both = text;
  both.replace(both.find("\"resume\""), 8, "\"never\"");
  const auto lines = mistakes(both);
  CHECK(std::count(lines.begin(), lines.end(), '\n') == 2);
}

TEST_CASE("settings are overridden from outside, for operators that exist") {
  auto o = parse_override("till.rate=0.75");
  REQUIRE(bool(o));
  const auto file = parse_graph(good, "/srv/shop.toml", {*o});
  CHECK(to_string(file.content.find("till")->values.all().at("rate")) == "0.75");
  CHECK(mistakes(good, {{"tll", "rate", "1"}}).find("did you mean 'till'?") != std::string::npos);
  for (const auto* bad : {"", "till", "till.rate", "=1", ".rate=1", "till.=1", "rate=1.5"})
    CHECK_FALSE(bool(parse_override(bad)));
  CHECK(parse_override("a.b=c.d=e")->value == "c.d=e");
}

TEST_CASE("a file that is not there is one clear mistake") {
  const auto file = read_graph("/nonexistent/graph.toml");
  REQUIRE(file.mistakes.size() == 1);
  CHECK(file.mistakes[0].message.find("/nonexistent/graph.toml") == 0);
}

TEST_CASE("damaged graph files are answered, whatever is in them") {
  std::mt19937_64 random(3);
  for (int round = 0; round < 3000; ++round) {
    std::string text = good;
    for (int i = 0; i < 3; ++i) {
      const auto at = random() % text.size();
      if (random() % 2) text[at] = static_cast<char>(random());
      else text.erase(at, random() % 20);
    }
    const auto file = parse_graph(text, "/srv/shop.toml");
    for (const auto& m : file.mistakes) CHECK(m.message.find('\n') == std::string::npos);
  }
}
