#include "workshop.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <fstream>

using namespace instar::test;
using namespace std::chrono_literals;

namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::size_t lines_of(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

} // namespace

TEST_CASE("instard --help names every option and the exit codes") {
  const workshop w;
  const auto help = w.instard({"--help"});
  CHECK(help.code == 0);
  for (const auto* word : {"--graph", "--admin", "--set", "--modules", "--workers", "--deadline",
                           "--drain", "--log-level", "--check", "Exit codes", "Examples"})
    CHECK_MESSAGE(contains(help.out, word), word);
  CHECK(w.instard({"--version"}).out.starts_with("instard "));
}

TEST_CASE("a wrong command line is one line on stderr and exit code 2") {
  const workshop w;
  const auto graph = w.flow("flow.toml", 1, 1);
  const std::vector<std::vector<std::string>> wrong = {
      {},
      {"--nonsense"},
      {"--graph", graph, "--set", "no assignment"},
      {"--graph", graph, "--deadline", "soon"},
      {"--graph", graph, "--deadline", "-5s"},
      {"--graph", graph, "--drain", "0s"},
      {"--graph", graph, "--workers", "-1"},
      {"--graph", graph, "--workers", "many"},
      {"--graph", graph, "--log-level", "chatty"},
  };
  for (const auto& arguments : wrong) {
    const auto a = w.instard(arguments);
    CHECK(a.code == 2);
    CHECK_MESSAGE(lines_of(a.err) == 1, a.err);
    CHECK_MESSAGE(a.err.starts_with("instard: "), a.err);
    CHECK(a.out.empty());
  }
}

TEST_CASE("a graph file that is not there, or is no graph file, is exit code 2") {
  const workshop w;
  for (const auto& graph :
       {std::string("none.toml"), w.folder().string(), w.file("bad.toml", "[[[ nonsense"),
        w.file("long.toml", std::string(2'000'000, '#')),
        w.file("binary.toml", std::string("\0\x01\xff\xfe", 4))}) {
    const auto a = w.instard({"--graph", graph, "--admin", w.socket().string()});
    CHECK(a.code == 2);
    CHECK_MESSAGE(lines_of(a.err) == 1, a.err);
  }
  CHECK_FALSE(std::filesystem::exists(w.socket()));
}

TEST_CASE("every mistake of a graph file is printed, one line each") {
  const workshop w;
  const auto graph = w.file("wrong.toml", "[graph]\nname = \"x\"\nmodules = [\"" TEST_MODULES
                                          "\"]\narcs = [\"tick -> store\", \"tick -> ghost\"]\n"
                                          "[operators.tick]\ntype = \"flow.tick@77\"\n"
                                          "[operators.store]\ntype = \"flow.store@1\"\n"
                                          "colour = \"red\"\nlinger = \"long\"\n");
  for (const auto& check : {std::vector<std::string>{"--check"}, std::vector<std::string>{}}) {
    auto arguments = check;
    arguments.insert(arguments.end(), {"--graph", graph, "--admin", w.socket().string()});
    const auto a = w.instard(arguments);
    CHECK(a.code == 2);
    CHECK(contains(a.err, "flow.tick@77"));
    CHECK(contains(a.err, "colour"));
    CHECK(contains(a.err, "linger"));
    CHECK(contains(a.err, "ghost"));
    CHECK(lines_of(a.err) >= 4);
    CHECK(contains(a.err, "wrong.toml:"));
  }
}

TEST_CASE("--check says that a graph is good, and runs nothing") {
  const workshop w;
  const auto a = w.instard({"--check", "--graph", w.flow("flow.toml", 1, 1)});
  CHECK(a.code == 0);
  CHECK(contains(a.out, "2 operators, 1 arcs"));
  CHECK_FALSE(std::filesystem::exists(w.folder() / "run"));
}

TEST_CASE("--set must name an operator and a setting that exist") {
  const workshop w;
  const auto graph = w.flow("flow.toml", 1, 1);
  CHECK(w.instard({"--check", "--graph", graph, "--set", "tick.every=5ms"}).code == 0);
  for (const auto* wrong : {"ghost.every=5ms", "tick.colour=red", "tick.every=soon"}) {
    const auto a = w.instard({"--check", "--graph", graph, "--set", wrong});
    CHECK(a.code == 2);
    CHECK(lines_of(a.err) == 1);
  }
}

TEST_CASE("--modules brings what the graph file does not, and wins where both would") {
  const workshop w;
  const auto bare = w.file("bare.toml", "[graph]\nname = \"bare\"\narcs = [\"tick -> store\"]\n"
                                        "[operators.tick]\ntype = \"flow.tick@1\"\n"
                                        "[operators.store]\ntype = \"flow.store@1\"\n");
  CHECK(w.instard({"--check", "--graph", bare}).code == 2);
  CHECK(w.instard({"--check", "--graph", bare, "--modules", TEST_MODULES}).code == 0);

  // A module with the same operators, but other bytes, would otherwise be refused as ambiguous.
  std::filesystem::create_directory(w.folder() / "mine");
  const auto mine = w.folder() / "mine" / "flow.so";
  std::filesystem::copy_file(TEST_MODULES "/test_flow_v1.so", mine);
  std::ofstream(mine, std::ios::app) << "changed";
  const auto full = w.flow("flow.toml", 1, 1);
  CHECK(w.instard({"--check", "--graph", full, "--modules", mine.parent_path()}).code == 0);
  const auto both =
      w.instard({"--check", "--graph", bare, "--modules", TEST_MODULES, "--modules", mine});
  CHECK(both.code == 2);
  CHECK(contains(both.err, "two different modules"));
}

TEST_CASE("the service says that it is ready, and its socket is for its user only") {
  const workshop w;
  const auto daemon = w.serve(w.flow("flow.toml", 1, 1));
  CHECK(daemon->out().starts_with("ready flow pid=" + std::to_string(daemon->pid()) +
                                  " admin=" + w.socket().string()));
  struct stat s {};
  REQUIRE(::stat(w.socket().c_str(), &s) == 0);
  CHECK((s.st_mode & 07777) == 0600);
  daemon->signal(SIGINT);
  CHECK(daemon->wait() == 0);
  CHECK_FALSE(std::filesystem::exists(w.socket()));
}

TEST_CASE("SIGTERM lets operators finish what they hold, then exit code 0") {
  const workshop w;
  const auto daemon =
      w.serve(w.flow("flow.toml", 1, 1, "linger = \"300ms\"\nfile = \"count.txt\""));
  daemon->signal(SIGTERM);
  CHECK(daemon->wait() == 0);
  CHECK(std::filesystem::exists(w.folder() / "count.txt"));
}

TEST_CASE("what is not drained in time is cut off, said, and exit code 1") {
  const workshop w;
  const auto daemon = w.serve(w.flow("flow.toml", 1, 1, "linger = \"1h\"\nfile = \"count.txt\""),
                              {"--drain", "300ms"});
  daemon->signal(SIGTERM);
  CHECK(daemon->wait() == 1);
  CHECK(contains(daemon->err(), "still lingers"));
  CHECK_FALSE(std::filesystem::exists(w.folder() / "count.txt"));
  CHECK_FALSE(std::filesystem::exists(w.socket()));
}

TEST_CASE("a second signal stops at once") {
  const workshop w;
  const auto daemon = w.serve(w.flow("flow.toml", 1, 1, "linger = \"1h\""));
  daemon->signal(SIGTERM);
  CHECK(daemon->wait(300ms) == -1);
  CHECK(w.instarctl({"status"}).code == 0);
  daemon->signal(SIGTERM);
  CHECK(daemon->wait(2s) == 1);
  CHECK_FALSE(std::filesystem::exists(w.socket()));
}

TEST_CASE("a second daemon on the same socket is refused, one after a crash takes it over") {
  const workshop w;
  const auto graph = w.flow("flow.toml", 1, 1);
  auto first = w.serve(graph);
  const auto second = w.instard({"--graph", graph, "--admin", w.socket().string()});
  CHECK(second.code == 1);
  CHECK(contains(second.err, "another process serves here"));
  first->signal(SIGKILL);
  CHECK(first->wait() == 1000 + SIGKILL);
  CHECK(std::filesystem::exists(w.socket()));
  const auto third = w.serve(graph);
  CHECK(w.instarctl({"status"}).code == 0);
}

TEST_CASE("an operator that cannot be constructed keeps the service from starting") {
  const workshop w;
  const auto a = w.instard(
      {"--graph", w.flow("flow.toml", 1, 1, "broken = true"), "--admin", w.socket().string()});
  CHECK(a.code == 1);
  CHECK(contains(a.err, "told to be broken"));
  CHECK_FALSE(contains(a.out, "ready"));
  CHECK_FALSE(std::filesystem::exists(w.socket()));
}

TEST_CASE("an operator that fails too often stops the service with exit code 1") {
  const workshop w;
  program daemon(INSTARD,
                 {"--graph", w.flow("flow.toml", 1, 1, "fails_at = 20\non_error = \"stop\""),
                  "--admin", w.socket().string()},
                 w.folder());
  CHECK(daemon.wait() == 1);
  CHECK(contains(daemon.err(), "told to fail"));
}
