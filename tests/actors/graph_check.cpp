#include "actors/graph.hpp"
#include "actors/graph_file.hpp"

#include <doctest/doctest.h>

using namespace instar;

namespace {

operator_description type(std::string name, std::vector<port_description> in,
                          std::vector<port_description> out) {
  operator_description d;
  d.name = std::move(name);
  d.version = 1;
  d.inputs = std::move(in);
  d.outputs = std::move(out);
  return d;
}

result<operator_description> lookup(std::string_view name, std::uint32_t version) {
  if (version != 1) return failure{errc::not_found, "no module brings it"};
  if (name == "source") return type("source", {}, {{"out", "page.file", 0, -1}});
  if (name == "memory") return type("memory", {}, {{"out", "page.memory", 0, -1}});
  if (name == "any") return type("any", {{"in", "page", 0, -1}}, {{"out", "page", 0, 0}});
  if (name == "sink") return type("sink", {{"in", "page.memory", 0, -1}}, {});
  if (name == "open") return type("open", {{"in", "page", 0, -1}}, {});
  if (name == "two")
    return type("two", {{"left", "page", 0, -1}, {"right", "page", 0, -1}},
                {{"a", "page", 0, -1}, {"b", "page", 0, -1}});
  if (name == "set") {
    auto d = type("set", {}, {});
    d.settings = {{"port", setting_kind::integer, "8080", false, "where to listen"},
                  {"root", setting_kind::path, "", true, "the folder to serve"},
                  {"wait", setting_kind::duration, "10s", false, ""},
                  {"limit", setting_kind::size, "1MiB", false, ""}};
    return d;
  }
  return failure{errc::not_found, "no module brings " + std::string(name) + "@1"};
}

graph_check check(const std::string& text) {
  auto file = parse_graph(text, "/srv/g.toml");
  for (const auto& m : file.mistakes) FAIL(m.message);
  return check_graph(std::move(file.content), lookup);
}

std::string mistakes(const std::string& text) {
  std::string lines;
  for (const auto& m : check(text).mistakes) lines += m.message + "\n";
  return lines;
}

std::string graph_of(const std::string& arcs,
                     const std::vector<std::pair<std::string, std::string>>& operators) {
  std::string text = "[graph]\narcs = [" + arcs + "]\n";
  for (const auto& [name, body] : operators)
    text += "[operators." + name + "]\ntype = \"" + body + "@1\"\n";
  return text;
}

} // namespace

TEST_CASE("left-out ports and defaults are filled in") {
  const auto c = check(graph_of("'s -> a -> k'", {{"s", "memory"}, {"a", "any"}, {"k", "sink"}}));
  REQUIRE(c.mistakes.empty());
  CHECK(c.checked.arcs[0].name() == "s.out -> a.in");
  CHECK(c.types.size() == 3);
  const auto settings = check("[graph]\n[operators.x]\ntype = 'set@1'\nroot = 'www'\n");
  REQUIRE(settings.mistakes.empty());
  const auto& values = settings.checked.operators[0].values;
  CHECK(values.integer("port") == 8080);
  CHECK(values.path("root") == "/srv/www");
  CHECK(values.duration("wait") == std::chrono::seconds(10));
  CHECK(values.size("limit") == 1 << 20);
}

TEST_CASE("an unknown operator type is named with its line") {
  const auto lines = mistakes(graph_of("", {{"s", "nonsense"}}));
  CHECK(lines.find("/srv/g.toml:3: operator 's': no module brings nonsense@1") == 0);
}

TEST_CASE("an arc to an operator that is not there is named") {
  const auto lines = mistakes(graph_of("'s -> snk'", {{"s", "memory"}, {"sink", "open"}}));
  CHECK(lines.find("operator 'snk': an arc names it") != std::string::npos);
  CHECK(lines.find("did you mean 'sink'?") != std::string::npos);
}

TEST_CASE("an arc between ports of different payload types is refused with both types") {
  const auto lines = mistakes(graph_of("'s -> k'", {{"s", "source"}, {"k", "sink"}}));
  CHECK(lines.find("carries page.file, but sink@1 accepts page.memory") != std::string::npos);
}

TEST_CASE("a port that follows another carries what arrives there") {
  CHECK(mistakes(graph_of("'s -> a -> b -> k'",
                          {{"s", "memory"}, {"a", "any"}, {"b", "any"}, {"k", "sink"}})) == "");
  const auto lines = mistakes(
      graph_of("'s -> a -> b -> k'", {{"s", "source"}, {"a", "any"}, {"b", "any"}, {"k", "sink"}}));
  CHECK(lines.find("b.out -> k.in carries page.file") != std::string::npos);
  // Two kinds that meet at a fan-in both have to fit behind it.
  CHECK(mistakes(graph_of("'s -> a', 'm -> a', 'a -> k'",
                          {{"s", "source"}, {"m", "memory"}, {"a", "any"}, {"k", "open"}})) == "");
  CHECK(mistakes(graph_of("'s -> a', 'm -> a', 'a -> k'",
                          {{"s", "source"}, {"m", "memory"}, {"a", "any"}, {"k", "sink"}}))
            .find("a.out -> k.in carries page.file of source@1, but sink@1 accepts page.memory") !=
        std::string::npos);
}

TEST_CASE("a cycle is refused and told in order") {
  const auto lines = mistakes(graph_of(
      "'a -> b -> c -> a', 's -> a'", {{"s", "memory"}, {"a", "any"}, {"b", "any"}, {"c", "any"}}));
  CHECK(lines.find("is on a cycle (") != std::string::npos);
  const bool in_order = lines.find("a -> b -> c -> a") != std::string::npos ||
                        lines.find("b -> c -> a -> b") != std::string::npos ||
                        lines.find("c -> a -> b -> c") != std::string::npos;
  CHECK_MESSAGE(in_order, lines);
}

TEST_CASE("ports have to be named where there are several, and have to exist") {
  const auto several = mistakes(graph_of("'s -> t'", {{"s", "memory"}, {"t", "two"}}));
  CHECK(several.find("operator 't': has several inputs") != std::string::npos);
  const auto wrong =
      mistakes(graph_of("'s -> t.lft', 's -> t.right'", {{"s", "memory"}, {"t", "two"}}));
  CHECK(wrong.find("did you mean 'left'?") != std::string::npos);
  const auto missing = mistakes(graph_of("'s -> t.left'", {{"s", "memory"}, {"t", "two"}}));
  CHECK(missing.find("no arc leads to its input 'right'") != std::string::npos);
}

TEST_CASE("settings are checked against what the type declares") {
  const auto lines = mistakes("[graph]\n[operators.x]\ntype = 'set@1'\nprt = 1\nwait = 'soon'\n");
  CHECK(lines.find("did you mean 'port'?") != std::string::npos);
  CHECK(lines.find("setting 'wait': 'soon' is no duration") != std::string::npos);
  CHECK(lines.find("needs the setting 'root'") != std::string::npos);
}

TEST_CASE("settings are parsed in the units that they declare, and nothing else") {
  const auto parse = [](std::string_view text, setting_kind kind) {
    return parse_setting(text, kind, "/srv");
  };
  const auto number = [&](std::string_view text, setting_kind kind) {
    return std::get<std::int64_t>(*parse(text, kind));
  };
  CHECK(number("250ms", setting_kind::duration) == 250'000'000);
  CHECK(number("1.5s", setting_kind::duration) == 1'500'000'000);
  CHECK(number("2 min", setting_kind::duration) == 120'000'000'000);
  CHECK(number("4KiB", setting_kind::size) == 4096);
  CHECK(number("10MB", setting_kind::size) == 10'000'000);
  CHECK(number("77", setting_kind::size) == 77);
  CHECK(number("-5", setting_kind::integer) == -5);
  for (const auto* bad : {"", "10", "s", "-1s", "1e30h", "10 seconds", "nan s"})
    CHECK_FALSE(bool(parse(bad, setting_kind::duration)));
  for (const auto* bad : {"", "-1", "1XB", "1e40GB"})
    CHECK_FALSE(bool(parse(bad, setting_kind::size)));
  for (const auto* bad : {"", "1.5", "x", "99999999999999999999"})
    CHECK_FALSE(bool(parse(bad, setting_kind::integer)));
  CHECK_FALSE(bool(parse("yes", setting_kind::boolean)));
  CHECK(std::get<std::string>(*parse("../x", setting_kind::path)) == "/x");
}
