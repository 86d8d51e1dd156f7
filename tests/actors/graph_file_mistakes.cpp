#include "actors/graph_file.hpp"

#include "graph_parts.hpp"
#include "temporary_folder.hpp"

#include <sys/stat.h>

#include <fstream>
#include <random>

using namespace instar;
using namespace instar::test;

namespace {

constexpr std::string_view http = R"([graph]
name = "http"
modules = ["../../modules", "/usr/lib/x.so"]
arc_capacity = 16
arcs = [
  "accept -> read -> parse.requests",
  "parse.errors -> compose.direct",
  { chain = "parse.good->compose.body", capacity = 64 },
]

[operators.read]
type = "net.read@1"

[operators.accept]
type = "net.accept@12"
port = 8080
address = "127.0.0.1"
linger = 0.5
quick = true
on_error = "stop"
max_errors = 3
error_window = "1min"

[operators]
parse = { type = "http.parse@1" }
compose = { type = "http.compose@1" }
)";

graph_file parsed(std::string_view text, const std::vector<setting_override>& overrides = {}) {
  return parse_graph(text, "/srv/http/http.toml", overrides);
}

/// A good graph with `text` as its operator `a`.
graph_file with_operator(const std::string& text) {
  return parsed("[graph]\narcs = [\"a -> b\"]\n[operators.a]\n" + text +
                "\n[operators.b]\ntype = \"x@1\"\n");
}

/// A good graph with `text` as its arcs.
graph_file with_arcs(const std::string& text) {
  return parsed("[graph]\narcs = " + text + "\n[operators]\na = { type = \"x@1\" }\n");
}

} // namespace

TEST_CASE("a graph file becomes operators with settings and arcs with ports and credits") {
  const auto file = parsed(http);
  REQUIRE_MESSAGE(file.mistakes.empty(), lines(file.mistakes));
  const auto& g = file.content;
  CHECK(g.name == "http");
  CHECK(g.origin == "/srv/http/http.toml");
  CHECK(g.modules == std::vector<std::filesystem::path>{"/modules", "/usr/lib/x.so"});

  REQUIRE(g.operators.size() == 4);
  const auto& accept = *g.find("accept");
  CHECK(accept.reference() == "net.accept@12");
  CHECK(accept.values.integer("port") == 8080);
  CHECK(accept.values.text("address") == "127.0.0.1");
  CHECK(accept.values.number("linger") == 0.5);
  CHECK(accept.values.boolean("quick"));
  CHECK(accept.values.all().size() == 4);
  CHECK(accept.on_error == error_policy{error_strategy::stop, 3, std::chrono::minutes(1)});
  CHECK(accept.line == 14);
  CHECK(g.find("read")->on_error == error_policy{});
  CHECK(g.find("nobody") == nullptr);

  REQUIRE(g.arcs.size() == 4);
  CHECK(g.arcs[0].name() == "accept. -> read.");
  CHECK(g.arcs[1].name() == "read. -> parse.requests");
  CHECK(g.arcs[2].name() == "parse.errors -> compose.direct");
  CHECK(g.arcs[3].name() == "parse.good -> compose.body");
  CHECK(g.arcs[0].capacity == 16);
  CHECK(g.arcs[3].capacity == 64);
  CHECK(g.arcs[1].line == 6);
  CHECK(g.arcs[3].line == 8);
}

TEST_CASE("operators come in the order of the file") {
  const auto file = parsed(http);
  std::string names;
  for (const auto& op : file.content.operators) names += op.name + " ";
  CHECK(names == "read accept parse compose ");
}

TEST_CASE("what is left out has a default: name of the file, credits, error policy") {
  const auto file = parsed("[graph]\narcs = [\"a -> b\"]\n[operators]\n"
                           "a = { type = \"x@1\" }\nb = { type = \"x@1\" }\n");
  REQUIRE(file.mistakes.empty());
  CHECK(file.content.name == "http");
  CHECK(file.content.modules.empty());
  CHECK(file.content.arcs[0].capacity == default_arc_capacity);
  CHECK(file.content.operators[0].on_error ==
        error_policy{error_strategy::restart, 10, std::chrono::seconds(10)});
}

TEST_CASE("text that is no TOML is refused with line and column, on one line") {
  const auto file = parsed("[graph]\nname = \"x\nmore\"\n");
  check_mistakes(file.mistakes, {"/srv/http/http.toml:2:10: not TOML: "});
  check_mistakes(parsed("\xff\xfe garbage").mistakes, {"/srv/http/http.toml:1:1: not TOML: "});
  check_mistakes(parsed("a = 1\na = 2\n").mistakes, {"http.toml:2:"});
}

TEST_CASE("an empty file lacks both tables") {
  check_mistakes(parsed("").mistakes, {"http.toml:1: there is no table [graph]; add one",
                                       "http.toml:1: there is no table [operators]; add one"});
}

TEST_CASE("every mistake is found, each with its line and operator") {
  const auto file = parsed(R"([graph]
nam = "x"
arcs = ["a -> ", 7, "a -> b"]
modules = "here"
[operators.a]
type = "x"
on_error = "retsart"
[operators.b]
port = [1]
[grahp]
)");
  check_mistakes(file.mistakes,
                 {"http.toml:10: unknown table 'grahp'; did you mean 'graph'?",
                  "http.toml:6: operator 'a': 'x' is no type; write \"NAME@VERSION\"",
                  "http.toml:7: operator 'a': on_error = \"retsart\" is unknown; did you mean "
                  "'restart'?",
                  "http.toml:9: operator 'b': setting 'port' is an array; write a string, a finite "
                  "number or a boolean",
                  "http.toml:8: operator 'b': has no type; write type = \"NAME@VERSION\"",
                  "http.toml:2: unknown key 'nam' in [graph]; did you mean 'name'?",
                  "http.toml:4: modules is a string; write an array of strings",
                  "http.toml:3: 'a -> ' is no chain: '' names no operator",
                  "http.toml:3: an entry of arcs is an integer; write \"a -> b\""});
}

TEST_CASE("a former name is an operator's name") {
  CHECK(with_operator("type = \"x@1\"\nwas = \"old-1\"").content.find("a")->was == "old-1");
  check_mistakes(with_operator("type = \"x@1\"\nwas = 3").mistakes,
                 {"operator 'a': was is an integer; write the operator's former name"});
  check_mistakes(with_operator("type = \"x@1\"\nwas = \"a.b\"").mistakes,
                 {"operator 'a': was = \"a.b\" is no operator's name; write its former"});
}

TEST_CASE("a type is a name and a positive version") {
  CHECK(with_operator("type = \"a.b@4294967295\"").content.find("a")->version == 4294967295u);
  for (const auto* type : {"", "@1", "x@", "x@0", "x@-1", "x@1.5", "x@v1", "x@4294967296", "x@1 "})
    check_mistakes(with_operator("type = \"" + std::string(type) + "\"").mistakes,
                   {"http.toml:4: operator 'a': '" + std::string(type) + "' is no type"});
  check_mistakes(with_operator("type = 1").mistakes,
                 {"operator 'a': type is an integer; write \"NAME@VERSION\""});
}

TEST_CASE("an error policy of the wrong kind or out of range is refused") {
  const auto mistake = [](const std::string& text) {
    return with_operator("type = \"x@1\"\n" + text).mistakes;
  };
  check_mistakes(mistake("max_errors = -1"), {"http.toml:5: operator 'a': max_errors is out of"});
  check_mistakes(mistake("max_errors = \"3\""), {"max_errors is a string; write a number"});
  check_mistakes(mistake("on_error = 3"), {"on_error is an integer; write a string"});
  check_mistakes(mistake("error_window = \"10\""), {"error_window: '10' is no duration; write"});
}

TEST_CASE("settings are plain values") {
  for (const auto* value : {"[1, 2]", "{ a = 1 }", "1979-05-27", "nan", "inf"})
    check_mistakes(with_operator("type = \"x@1\"\nx = " + std::string(value)).mistakes,
                   {"http.toml:5: operator 'a': setting 'x' is "});
}

TEST_CASE("chains that lead nowhere, or name no operator, are refused") {
  for (const auto* chain : {"", "a", " -> a", "a -> -> b", "a b -> c", "a. -> b", "a.b.c -> d",
                            "a => b", "a -> b ->", ".x -> b"})
    check_mistakes(with_arcs("[\"" + std::string(chain) + "\"]").mistakes,
                   {"http.toml:2: '" + std::string(chain)});
  check_mistakes(with_arcs("[{ chain = \"a -> b\", capacty = 3 }]").mistakes,
                 {"unknown key 'capacty' of an arc; did you mean 'capacity'?"});
  check_mistakes(with_arcs("[{ capacity = 3 }]").mistakes, {"an entry of arcs has no 'chain'"});
  check_mistakes(with_arcs("[{ chain = \"a -> b\", capacity = 0 }]").mistakes,
                 {"a capacity of 0 is out of range; write 1 to 1048576"});
  check_mistakes(with_arcs("[{ chain = \"a -> b\", capacity = 1048577 }]").mistakes,
                 {"out of range"});
  check_mistakes(with_arcs("[{ chain = \"a -> b\", feedback = \"drian\" }]").mistakes,
                 {"http.toml:2: feedback = \"drian\" is unknown; did you mean 'drain'?"});
  check_mistakes(with_arcs("[{ chain = \"a -> b\", feedback = true }]").mistakes,
                 {"http.toml:2: feedback is a boolean; write \"hand_over\" or \"drain\""});
  check_mistakes(with_arcs("[{ chain = \"a -> b\", feedback = \"none\" }]").mistakes,
                 {"feedback = \"none\" is unknown"});
  check_mistakes(with_arcs("3").mistakes, {"http.toml:2: arcs is an integer"});
}

TEST_CASE("a feedback policy is that of the last arc of its chain") {
  const auto file = with_arcs("[\"a -> b\", { chain = \"b -> a -> b\", feedback = \"drain\" }, "
                              "{ chain = \"b -> a\", feedback = \"hand_over\" }]");
  check_mistakes(file.mistakes, {});
  const auto& arcs = file.content.arcs;
  REQUIRE(arcs.size() == 4);
  CHECK(arcs[0].feedback == feedback_policy::none);
  CHECK(arcs[1].feedback == feedback_policy::none);
  CHECK(arcs[2].feedback == feedback_policy::drain);
  CHECK(arcs[3].feedback == feedback_policy::hand_over);
}

TEST_CASE("what a file says cannot break out of the line that reports it") {
  check_mistakes(with_arcs("[\"a\\nb\\u001b[31m\"]").mistakes,
                 {"http.toml:2: 'a b [31m' is no chain"});
  check_mistakes(parsed("[graph]\n[operators]\n\"a\\nb\" = 1\n").mistakes,
                 {"http.toml:3: operator 'a b': is no name"});
}

TEST_CASE("an override replaces or adds a setting; its text waits for the operator's type") {
  const auto file = parsed(http, {{"accept", "port", "80"}, {"parse", "root", "a=b"}});
  REQUIRE(file.mistakes.empty());
  CHECK(file.content.find("accept")->values.text("port") == "80");
  CHECK(file.content.find("parse")->values.text("root") == "a=b");
}

TEST_CASE("an override of no operator, or of what is no setting, is refused") {
  check_mistakes(parsed(http, {{"acept", "port", "80"}, {"read", "type", "x@2"}}).mistakes,
                 {"--set acept.port: the graph has no operator 'acept'; did you mean 'accept'?",
                  "--set read.type: 'type' is no setting; change it in the graph file"});
}

TEST_CASE("an override is written OPERATOR.KEY=VALUE") {
  const auto o = parse_override("load.root=/a.b=c");
  REQUIRE(o);
  CHECK(o->operator_name == "load");
  CHECK(o->key == "root");
  CHECK(o->value == "/a.b=c");
  CHECK(parse_override("a.b=")->value.empty());
  for (const auto* text : {"", "a", "a.b", "a=b", "=b", ".b=c", "a.=c", "a=b.c=d"}) {
    const auto bad = parse_override(text);
    REQUIRE_FALSE_MESSAGE(bad, text);
    CHECK(bad.error().message.find("write OPERATOR.KEY=VALUE") != std::string::npos);
  }
}

TEST_CASE("a file that is missing, a folder or a pipe is refused without waiting for it") {
  const temporary_folder folder;
  const auto pipe = folder.path() / "pipe";
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  for (const auto& path : {folder.path() / "none.toml", folder.path(), pipe})
    check_mistakes(read_graph(path).mistakes, {path.string() + ": cannot be read as a graph file"});
  std::ofstream(folder.path() / "empty.toml");
  CHECK(read_graph(folder.path() / "empty.toml").mistakes.size() == 2);
}

TEST_CASE("a graph file's places start at its own folder") {
  const temporary_folder folder;
  std::ofstream(folder.path() / "g.toml") << "[graph]\nmodules = [\"m\"]\narcs = []\n[operators]\n";
  const auto file = read_graph(folder.path() / "." / "g.toml");
  REQUIRE(file.mistakes.empty());
  CHECK(file.content.origin == folder.path() / "g.toml");
  CHECK(file.content.modules.at(0) == folder.path() / "m");
}

TEST_CASE("truncated, mangled, deep and huge files are refused or read, never worse") {
  for (std::size_t n = 0; n < http.size(); ++n) parsed(http.substr(0, n));
  std::mt19937 random(1);
  for (int i = 0; i < 3'000; ++i) {
    std::string text(http);
    for (unsigned changes = 1 + random() % 8; changes > 0; --changes)
      text[random() % text.size()] = static_cast<char>(random());
    for (const auto& m : parsed(text).mistakes) CHECK(m.message.find('\n') == std::string::npos);
  }
  CHECK_FALSE(parsed("[ = 1 ]").mistakes.empty());
  CHECK_FALSE(parsed("[[ = 1 ]]").mistakes.empty());
  CHECK_FALSE(parsed("[\u3000\u00f6]").mistakes.empty());
  CHECK_FALSE(parsed("a = " + std::string(100'000, '[')).mistakes.empty());
  check_mistakes(parsed(std::string((16u << 20) + 1, ' ')).mistakes,
                 {"a graph file may have 16 MiB"});
}
