#include "bench/quiesce/graph_pair.hpp"

#include "actors/graph_file.hpp"
#include "actors/graph_text.hpp"

#include <doctest/doctest.h>

using namespace instar;
using namespace instar::bench;

namespace {

operator_description type(std::string name, std::uint32_t version,
                          std::vector<setting_description> settings = {}) {
  operator_description made;
  made.name = std::move(name);
  made.version = version;
  made.settings = std::move(settings);
  return made;
}

const setting_description interruptible{"interruptible", setting_kind::boolean, "true", false, ""};
const setting_description port{"port", setting_kind::integer, "80", false, ""};
const setting_description root{"root", setting_kind::path, "", false, ""};
const setting_description log_file{"log", setting_kind::path, "log.txt", false, ""};

std::vector<operator_description> versions(std::string_view of) {
  if (of == "s.accept")
    return {type("s.accept", 1, {interruptible, port}), type("s.accept", 3, {interruptible, port}),
            type("s.accept", 4, {interruptible, port})};
  if (of == "s.work") return {type("s.work", 2, {interruptible, root, log_file})};
  if (of == "s.end") return {type("s.end", 1)};
  return {};
}

constexpr auto file = R"(
[graph]
name = "s"
arcs = ["accept -> work -> end"]
[operators]
accept = { type = "s.accept@1", port = 8080 }
work = { type = "s.work@2", replicas = 3, root = "www" }
end = { type = "s.end@1" }
)";

graph given(const char* text = file) {
  auto read = parse_graph(text, "/srv/s/s.toml");
  REQUIRE(read.mistakes.empty());
  return std::move(read.content);
}

graph_pair made(bool interrupted = true) {
  auto pair = make_graph_pair(given(), versions, interrupted);
  REQUIRE(pair);
  return *std::move(pair);
}

} // namespace

TEST_CASE("every operator of the second graph differs: in its version if there is a newer one") {
  const auto pair = made();
  REQUIRE(pair.after.operators.size() == 3);
  CHECK(pair.after.find("accept")->version == 3);
  CHECK(pair.after.find("accept")->on_error == pair.before.find("accept")->on_error);
  for (const auto* name : {"work", "end"}) {
    CHECK(pair.after.find(name)->reference() == pair.before.find(name)->reference());
    CHECK(pair.after.find(name)->on_error != pair.before.find(name)->on_error);
  }
  CHECK(pair.before.find("accept")->version == 1);
  CHECK(pair.anew == std::vector<std::string>{"work"});
}

TEST_CASE("an error limit that cannot grow becomes less") {
  auto g = given();
  for (auto& op : g.operators) op.on_error.limit = 1'000'000;
  const auto pair = make_graph_pair(g, versions, true);
  REQUIRE(pair);
  CHECK(pair->after.find("end")->on_error.limit == 999'999);
  CHECK(parse_graph(to_toml(pair->after), "/x.toml").mistakes.empty());
}

TEST_CASE("threads are those of operators that block, with their replicas") {
  const auto pair = made();
  CHECK(pair.blocking == std::vector<std::string>{"accept", "work"});
  CHECK(pair.threads == 4);
  CHECK(pair.operators == 5);
}

TEST_CASE("only operators that block are told whether they may be interrupted") {
  for (const bool interrupted : {true, false}) {
    const auto pair = made(interrupted);
    for (const auto* g : {&pair.before, &pair.after}) {
      for (const auto* name : {"accept", "work"})
        CHECK(g->find(name)->values.boolean("interruptible") == interrupted);
      CHECK_FALSE(g->find("end")->values.all().contains("interruptible"));
    }
  }
}

TEST_CASE("written to another folder, both mean the same files and a free port") {
  const auto pair = made();
  for (const auto* g : {&pair.before, &pair.after}) {
    const auto read = parse_graph(to_toml(*g), "/elsewhere/g.toml");
    REQUIRE(read.mistakes.empty());
    CHECK(read.content.find("accept")->values.integer("port") == 0);
    CHECK(read.content.find("work")->values.text("root") == "/srv/s/www");
    CHECK(read.content.find("work")->values.text("log") == "/srv/s/log.txt");
    CHECK(read.content.find("work")->replicas == 3);
  }
}

TEST_CASE("what cannot be measured is refused with the reason") {
  auto g = given();
  g.operators[1].version = 9;
  const auto unknown = make_graph_pair(g, versions, true);
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().message == "operator 'work': no module brings s.work@9; build it first");

  g = given();
  g.operators.erase(g.operators.begin(), g.operators.begin() + 2);
  g.arcs.clear();
  const auto idle = make_graph_pair(g, versions, true);
  REQUIRE_FALSE(idle);
  CHECK(idle.error().message.find("no thread to wait for") != std::string::npos);
}
