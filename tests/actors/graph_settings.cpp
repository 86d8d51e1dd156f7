#include "actors/graph.hpp"

#include "actors/graph_file.hpp"
#include "graph_parts.hpp"

using namespace instar;
using namespace instar::test;

namespace {

type_shelf shelf() {
  auto type = made_type("x", {}, {});
  type.settings = {{"port", setting_kind::integer, "8080", false, ""},
                   {"root", setting_kind::path, "", true, "the folder to serve"},
                   {"cache", setting_kind::path, "", false, ""},
                   {"wait", setting_kind::duration, "10s", false, ""},
                   {"limit", setting_kind::size, "1MiB", false, ""},
                   {"share", setting_kind::number, "0.5", false, ""},
                   {"quick", setting_kind::boolean, "false", false, ""},
                   {"label", setting_kind::text, "", false, ""}};
  type_shelf s;
  s.add(std::move(type));
  return s;
}

graph_check check(const std::string& body, const std::vector<setting_override>& overrides = {}) {
  auto file =
      parse_graph("[graph]\n[operators.x]\ntype = \"x@1\"\n" + body, "/srv/http/g.toml", overrides);
  check_mistakes(file.mistakes, {});
  const auto types = shelf();
  return check_graph(std::move(file.content), types.lookup());
}

} // namespace

TEST_CASE("settings become values of their declared kinds") {
  const auto c = check("port = 1\nroot = \"../www\"\nwait = \"2ms\"\nlimit = 4096\nshare = 2\n"
                       "quick = true\nlabel = \"17\"\n");
  check_mistakes(c.mistakes, {});
  const auto& v = c.checked.operators[0].values;
  CHECK(v.integer("port") == 1);
  CHECK(v.path("root") == "/srv/www");
  CHECK(v.duration("wait") == std::chrono::milliseconds(2));
  CHECK(v.size("limit") == 4096);
  CHECK(v.number("share") == 2.0);
  CHECK(v.boolean("quick"));
  CHECK(v.text("label") == "17");
}

TEST_CASE("settings that are left out get their defaults; a path may be empty by default") {
  const auto c = check("root = \"/www\"\n");
  check_mistakes(c.mistakes, {});
  const auto& v = c.checked.operators[0].values;
  CHECK(v.integer("port") == 8080);
  CHECK(v.path("cache").empty());
  CHECK(v.duration("wait") == std::chrono::seconds(10));
  CHECK(v.size("limit") == 1 << 20);
  CHECK(v.number("share") == 0.5);
  CHECK_FALSE(v.boolean("quick"));
  CHECK(v.text("label").empty());
}

TEST_CASE("overrides are text, and become the same values as in the file") {
  const auto c = check("port = 1\nquick = false\n", {{"x", "port", "99"},
                                                     {"x", "root", "sub"},
                                                     {"x", "quick", "true"},
                                                     {"x", "share", "0.25"},
                                                     {"x", "limit", "2KiB"}});
  check_mistakes(c.mistakes, {});
  const auto& v = c.checked.operators[0].values;
  CHECK(v.integer("port") == 99);
  CHECK(v.path("root") == "/srv/http/sub");
  CHECK(v.boolean("quick"));
  CHECK(v.number("share") == 0.25);
  CHECK(v.size("limit") == 2048);
}

TEST_CASE("settings of the wrong kind, unknown ones and missing ones are all told") {
  check_mistakes(
      check("prot = 1\nport = \"http\"\nwait = 10\nlimit = -1\nquick = 1\n").mistakes,
      {"/srv/http/g.toml:2: operator 'x': x@1 has no setting 'prot'; did you mean 'port'?",
       "setting 'port': 'http' is no integer; write for example 8080",
       "needs the setting 'root' (path: the folder to serve)",
       "setting 'wait': '10' is no duration; write for example 250ms, 10s or 5min",
       "setting 'limit': '-1' is no size",
       "setting 'quick': '1' is no boolean; write for example true or false"});
  check_mistakes(check("root = \"\"\n").mistakes, {"setting 'root': '' is no path"});
}

TEST_CASE("operators of unknown types and operators given twice are told with their lines") {
  graph g;
  g.origin = "/g.toml";
  g.operators = {{"a", "y", 3, {}, {}, 4}, {"b", "x", 1, {}, {}, 5}, {"b", "x", 1, {}, {}, 6}};
  g.operators[1].values.set("root", std::string("/"));
  g.operators[2].values.set("root", std::string("/"));
  const auto types = shelf();
  check_mistakes(check_graph(g, types.lookup()).mistakes,
                 {"/g.toml:4: operator 'a': no module brings y@3; build one",
                  "/g.toml:6: operator 'b': declared twice; rename one of them"});
}

TEST_CASE("a graph that is no file has no place in its messages") {
  graph g;
  g.operators = {{"a", "y", 3, {}, {}, 0}};
  const auto types = shelf();
  CHECK(check_graph(g, types.lookup()).mistakes.at(0).message ==
        "operator 'a': no module brings y@3; build one");
}
