#include "workshop.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <thread>

using namespace instar::test;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string type_of(const workshop& w, const std::string& op) {
  const auto graph = json::parse(w.instarctl({"graph", "--json"}).out);
  for (const auto& o : graph["operators"])
    if (o["name"] == op) return o["type"];
  return {};
}

json setting_of(const workshop& w, const std::string& op, const std::string& key) {
  const auto graph = json::parse(w.instarctl({"graph", "--json"}).out);
  for (const auto& o : graph["operators"])
    if (o["name"] == op) return o["settings"][key];
  return {};
}

} // namespace

TEST_CASE("instarctl --help names every command and the exit codes") {
  const workshop w;
  const auto help = w.instarctl({"--help"});
  CHECK(help.code == 0);
  for (const auto* word :
       {"status", "graph", "plan", "apply", "update", "rollback", "cancel", "diff", "history",
        "top", "trace", "scaffold", "Exit codes", "Examples", "rolled back"})
    CHECK_MESSAGE(contains(help.out, word), word);
  for (const auto* command : {"status", "graph", "plan", "apply", "update", "rollback", "cancel",
                              "history", "top", "trace", "scaffold"}) {
    const auto one = w.instarctl({command, "--help"});
    CHECK(one.code == 0);
    CHECK(contains(one.out, "--json"));
    CHECK(contains(one.out, "--admin"));
  }
}

TEST_CASE("a wrong command line is one line and exit code 64") {
  const workshop w;
  const std::vector<std::vector<std::string>> wrong = {
      {},
      {"dance"},
      {"plan"},
      {"apply"},
      {"update"},
      {"update", "load"},
      {"update", "load=http.load"},
      {"update", "load=http.load@zero"},
      {"plan", "a.toml", "--update", "a=b@1"},
      {"apply", "a.toml", "--deadline", "never"},
      {"apply", "a.toml", "--set", "nonsense"},
      {"rollback", "--to", "0"},
      {"diff", "a.toml", "3"},
      {"diff", "1", "2", "3"},
      {"update", "a=b@1", "-q", "-v"},
      {"update", "a=b@1", "--drop-state"},
      {"cancel", "--drop-state", "a"},
      {"scaffold", "a.capnp:A"},
      {"cancel", "all"},
      {"cancel", "0"},
      {"cancel", "3", "--all"},
      {"history", "-n", "-3"},
      {"top", "--interval", "1ms"},
  };
  for (const auto& arguments : wrong) {
    const auto a = w.instarctl(arguments);
    CHECK(a.code == 64);
    CHECK_MESSAGE(std::count(a.err.begin(), a.err.end(), '\n') == 1, a.err);
  }
}

TEST_CASE("without a service it says where it looked, exit code 1") {
  const workshop w;
  const auto graph = w.flow("flow.toml", 1, 1);
  for (const auto& arguments : {std::vector<std::string>{"status"},
                                {"graph"},
                                {"history"},
                                {"cancel"},
                                {"diff"},
                                {"rollback"},
                                {"top"},
                                {"plan", graph},
                                {"apply", graph},
                                {"update", "tick=flow.tick@2"}}) {
    const auto a = w.instarctl(arguments);
    CHECK(a.code == 1);
    CHECK(contains(a.err, w.socket().string()));
  }
  CHECK(w.instarctl({"apply", "missing.toml"}).code == 3);
}

TEST_CASE("status, graph and history for people and as JSON") {
  const workshop w;
  const auto daemon = w.serve(w.flow("flow.toml", 1, 1));
  CHECK(contains(w.instarctl({"status"}).out, "flow: running, epoch 1"));
  const auto status = json::parse(w.instarctl({"status", "--json"}).out);
  CHECK(status["pid"] == daemon->pid());
  CHECK(status["operators"].size() == 2);
  CHECK(status["modules_loaded"] >= 1);

  CHECK(contains(w.instarctl({"graph"}).out, "tick.out -> store.in"));
  CHECK(contains(w.instarctl({"graph", "--dot"}).out, "digraph"));
  const auto graph = json::parse(w.instarctl({"--json", "graph"}).out);
  CHECK(graph["arcs"][0]["from_port"] == "out");

  const auto history = json::parse(w.instarctl({"history", "--json"}).out);
  REQUIRE(history.size() == 1);
  CHECK(history[0]["who"] == "instard");
  CHECK(history[0]["outcome"] == "committed");
  CHECK(contains(w.instarctl({"history"}).out, "committed"));
}

TEST_CASE("plan tells what would change by text and exit code, and changes nothing") {
  const workshop w;
  const auto first = w.flow("flow.toml", 1, 1);
  const auto daemon = w.serve(first);
  CHECK(w.instarctl({"plan", first}).code == 0);
  const auto change = w.instarctl({"plan", w.flow("second.toml", 1, 2)});
  CHECK(change.code == 2);
  CHECK(contains(change.out, "flow.store@1 -> flow.store@2"));
  CHECK(w.instarctl({"plan", "--update", "tick=flow.tick@2"}).code == 2);
  const auto refused = w.instarctl({"plan", w.flow("third.toml", 1, 9)});
  CHECK(refused.code == 3);
  CHECK(contains(refused.out, "flow.store@9"));
  CHECK(json::parse(w.instarctl({"plan", "--json", first}).out)["changes"] == false);
  CHECK(type_of(w, "store") == "flow.store@1");
}

TEST_CASE("apply and update change the running graph, and tell the time of each step") {
  const workshop w;
  const auto daemon = w.serve(w.flow("flow.toml", 1, 1));
  const auto applied = w.instarctl({"apply", w.flow("second.toml", 2, 1)});
  CHECK(applied.code == 0);
  CHECK(contains(applied.out, "flow.tick@1 -> flow.tick@2"));
  CHECK(contains(applied.out, "committed, epoch 2"));
  CHECK(contains(applied.out, "prepare"));
  CHECK(type_of(w, "tick") == "flow.tick@2");

  const auto updated = w.instarctl({"update", "tick=flow.tick@1", "store=flow.store@2", "--json"});
  CHECK(updated.code == 0);
  const auto outcome = json::parse(updated.out)["outcome"];
  CHECK(outcome["outcome"] == "committed");
  CHECK(outcome["mark_to_commit_ms"] > 0);
  CHECK(type_of(w, "tick") == "flow.tick@1");
  CHECK(type_of(w, "store") == "flow.store@2");

  const auto told = w.instarctl({"update", "--verbose", "tick=flow.tick@2"});
  CHECK(told.code == 0);
  for (const auto* step : {"  plan ", "  prepare ", "  mark ", "  commit ", "  retire "})
    CHECK_MESSAGE(contains(told.err, step), told.err);
  CHECK(w.instarctl({"update", "tick=flow.tick@1"}).err.empty());

  const auto quiet = w.instarctl({"update", "-q", "tick=flow.tick@1"});
  CHECK(quiet.code == 0);
  CHECK(quiet.out.starts_with("unchanged"));
  CHECK(json::parse(w.instarctl({"history", "-n", "2", "--json"}).out).size() == 2);
}

TEST_CASE("a refused change is exit code 3, a rolled back one 4, and the old version goes on") {
  const workshop w;
  const auto daemon = w.serve(w.flow("flow.toml", 1, 1));
  CHECK(w.instarctl({"apply", w.flow("bad.toml", 1, 9)}).code == 3);
  CHECK(w.instarctl({"apply", w.file("worse.toml", "not TOML [")}).code == 3);
  CHECK(w.instarctl({"update", "ghost=flow.tick@1"}).code == 3);
  const auto broken = w.instarctl({"apply", w.flow("broken.toml", 1, 2, "broken = true")});
  CHECK(broken.code == 3);
  CHECK(contains(broken.out, "told to be broken"));

  const auto late =
      w.instarctl({"apply",
                   w.file("empty.toml", "[graph]\nname = \"flow\"\nmodules = [\"" TEST_MODULES
                                        "\"]\narcs = [\"tick -> other\"]\n"
                                        "[operators.tick]\ntype = \"flow.tick@1\"\n"
                                        "[operators.other]\ntype = \"flow.store@1\"\n"),
                   "--deadline", "300ms"});
  CHECK(late.code == 0);
  CHECK(w.instarctl({"apply", w.flow("lingers.toml", 1, 1, "linger = \"1h\"")}).code == 0);
  const auto rolled = w.instarctl({"apply", w.folder() / "empty.toml", "--deadline", "300ms"});
  CHECK(rolled.code == 4);
  CHECK(contains(rolled.out, "rolled back"));
  CHECK(contains(rolled.out, "still lingers"));
  CHECK(type_of(w, "store") == "flow.store@1");
  daemon->signal(SIGKILL);
}

TEST_CASE("a change that hangs has an id, is listed, and can be cancelled") {
  const workshop w;
  const auto daemon = w.serve(w.flow("flow.toml", 1, 1, "linger = \"1h\""));
  const auto other = w.file("other.toml", "[graph]\nname = \"flow\"\nmodules = [\"" TEST_MODULES
                                          "\"]\narcs = [\"tick -> other\"]\n"
                                          "[operators.tick]\ntype = \"flow.tick@1\"\n"
                                          "[operators.other]\ntype = \"flow.store@1\"\n");
  program apply(INSTARCTL, {"apply", other, "--deadline", "1h", "--admin", w.socket().string()},
                w.folder());
  REQUIRE(apply.says("transition 2 (instarctl cancel 2 gives it up)"));
  CHECK(contains(w.instarctl({"status"}).out, "TRANSITION"));
  const auto listed = json::parse(w.instarctl({"status", "--json"}).out)["transitions"];
  REQUIRE(listed.size() == 1);
  CHECK(listed[0]["id"] == 2);

  const auto wrong = w.instarctl({"cancel", "9"});
  CHECK(wrong.code == 3);
  CHECK(contains(wrong.err, "transition 9 neither runs nor waits"));
  const auto right = w.instarctl({"cancel"});
  CHECK(right.code == 0);
  CHECK(contains(right.out, "cancelled transition 2"));
  CHECK(apply.wait() >= 3);
  CHECK(contains(apply.out(), "cancelled by "));
  const auto late = w.instarctl({"cancel", "2", "--json"});
  CHECK(late.code == 3);
  CHECK(json::parse(late.out)[0]["cancelled"] == false);
  CHECK(w.instarctl({"cancel", "--all"}).code == 0);
  const auto history = json::parse(w.instarctl({"history", "--json"}).out);
  CHECK(history.back()["id"] == 2);
  CHECK(type_of(w, "store") == "flow.store@1");
  daemon->signal(SIGKILL);
}

TEST_CASE("rollback takes the graph of a former epoch, also over a renaming") {
  const workshop w;
  const auto daemon = w.serve(w.flow("flow.toml", 1, 1));
  const auto first = w.instarctl({"rollback"});
  CHECK(first.code == 3);
  CHECK(contains(first.out, "no graph ran before the present one"));

  CHECK(w.instarctl({"update", "store=flow.store@2"}).code == 0);
  const auto renamed = w.file("renamed.toml", "[graph]\nname = \"flow\"\nmodules = [\"" TEST_MODULES
                                              "\"]\narcs = [\"tick -> shelf\"]\n"
                                              "[operators.tick]\ntype = \"flow.tick@2\"\n"
                                              "[operators.shelf]\ntype = \"flow.store@2\"\n"
                                              "was = \"store\"\n");
  const auto applied = w.instarctl({"apply", renamed});
  CHECK(applied.code == 0);
  CHECK(contains(applied.out, "renamed from store"));
  CHECK(w.instarctl({"plan", renamed}).code == 0);
  CHECK(type_of(w, "shelf") == "flow.store@2");

  CHECK(w.instarctl({"rollback"}).code == 0);
  CHECK(type_of(w, "store") == "flow.store@2");
  CHECK(type_of(w, "tick") == "flow.tick@1");
  const auto back = w.instarctl({"rollback", "--to", "1", "--json"});
  CHECK(back.code == 0);
  CHECK(json::parse(back.out)["outcome"]["what"] ==
        "back to epoch 1: store: flow.store@2 -> flow.store@1");
  CHECK(type_of(w, "store") == "flow.store@1");
  CHECK(w.instarctl({"rollback", "--to", "1", "-q"}).out.starts_with("unchanged"));
  const auto unknown = w.instarctl({"rollback", "--to", "77"});
  CHECK(unknown.code == 3);
  CHECK(
      contains(unknown.out, "the graph of epoch 77 is not kept; the latest kept are those of 1, "));
  CHECK(w.instarctl(
             {"apply", w.file("lost.toml", "[graph]\nname = \"flow\"\nmodules = [\"" TEST_MODULES
                                           "\"]\narcs = [\"tick -> s\"]\n"
                                           "[operators.tick]\ntype = \"flow.tick@2\"\n"
                                           "[operators.s]\ntype = \"flow.store@2\"\n"
                                           "was = \"shop\"\n")})
            .code == 3);
}

TEST_CASE("diff compares files and epochs in the plan's notation, whatever the modules say") {
  const workshop w;
  const auto first = w.flow("flow.toml", 1, 1);
  const auto daemon = w.serve(first);
  CHECK(w.instarctl({"diff"}).code == 0);
  CHECK(w.instarctl({"diff", first}).out == "running -> " + first + "\nNo difference.\n");
  CHECK(w.instarctl({"update", "store=flow.store@2"}).code == 0);
  CHECK(w.instarctl({"update", "tick=flow.tick@2"}).code == 0);

  const auto own = w.instarctl({"diff"});
  CHECK(own.code == 2);
  CHECK(contains(own.out, "  ~ store  flow.store@2 -> flow.store@1\n"));
  CHECK(contains(own.out, "  ~ tick   flow.tick@2 -> flow.tick@1\n"));
  CHECK(contains(own.out, "\nDifference: 0 to add, 2 to change, 0 to remove.\n"));
  const auto since = w.instarctl({"diff", "2"});
  CHECK(since.code == 2);
  CHECK(since.out == "epoch 2 -> running\nOperators\n  ~ tick  flow.tick@1 -> flow.tick@2\n\n"
                     "Difference: 0 to add, 1 to change, 0 to remove.\n");
  const auto between = json::parse(w.instarctl({"diff", "2", "1", "--json"}).out);
  CHECK(between["changes"] == true);
  CHECK(between["summary"]["change"] == 1);
  CHECK(w.instarctl({"diff", "3"}).code == 0);

  const auto unknown = w.instarctl({"diff", w.flow("unknown.toml", 2, 9)});
  CHECK(unknown.code == 2);
  CHECK(contains(unknown.out, "  ~ store  flow.store@2 -> flow.store@9\n"));
  CHECK(contains(unknown.out, "  ! "));
  CHECK_FALSE(contains(unknown.out, "Arcs"));
  const auto lost = w.instarctl({"diff", "77"});
  CHECK(lost.code == 3);
  CHECK(contains(lost.out, "the graph of epoch 77 is not kept"));
  CHECK(w.instarctl({"diff", w.file("bad.toml", "no TOML [")}).code == 3);
  CHECK(w.instarctl({"diff", "missing.toml"}).code == 3);
}

TEST_CASE("what --set gave to instard holds for every graph that is applied later") {
  const workshop w;
  const auto first = w.flow("flow.toml", 1, 1);
  const auto daemon = w.serve(first, {"--set", "tick.every=7ms", "--set", "store.file=kept.txt"});
  CHECK(setting_of(w, "tick", "every") == 7'000'000);
  const auto kept = (w.folder() / "kept.txt").string();
  CHECK(setting_of(w, "store", "file") == kept);
  CHECK(w.instarctl({"plan", first}).code == 0);

  std::filesystem::create_directory(w.folder() / "elsewhere");
  const auto second = w.flow("elsewhere/second.toml", 2, 2, "file = \"other.txt\"");
  CHECK(w.instarctl({"apply", second}).code == 0);
  CHECK(setting_of(w, "tick", "every") == 7'000'000);
  CHECK(setting_of(w, "store", "file") == kept);

  // The command line of instarctl wins, for this once.
  CHECK(w.instarctl({"apply", second, "--set", "tick.every=9ms"}).code == 0);
  CHECK(setting_of(w, "tick", "every") == 9'000'000);
  CHECK(setting_of(w, "store", "file") == kept);
  CHECK(w.instarctl({"apply", second}).code == 0);
  CHECK(setting_of(w, "tick", "every") == 7'000'000);
  CHECK(w.instarctl({"apply", second, "--set", "ghost.every=9ms"}).code == 3);

  // A graph without those operators is not refused for it.
  const auto renamed = w.file("renamed.toml", "[graph]\nname = \"flow\"\nmodules = [\"" TEST_MODULES
                                              "\"]\narcs = [\"clock -> sink\"]\n"
                                              "[operators.clock]\ntype = \"flow.tick@1\"\n"
                                              "[operators.sink]\ntype = \"flow.store@1\"\n");
  CHECK(w.instarctl({"apply", renamed}).code == 0);
  CHECK(setting_of(w, "clock", "every") == 1'000'000);
}

TEST_CASE("whoever agrees to lose state that would be kept has made a mistake") {
  const workshop w;
  const auto daemon = w.serve(w.flow("flow.toml", 1, 1));
  const auto second = w.flow("second.toml", 1, 2);
  for (const auto& change : std::vector<std::vector<std::string>>{
           {"plan", second}, {"apply", second}, {"update", "store=flow.store@2"}}) {
    auto arguments = change;
    arguments.insert(arguments.end(), {"--drop-state", "store"});
    const auto refused = w.instarctl(arguments);
    CHECK(refused.code == 3);
    CHECK(contains(refused.out, "operator 'store' drops no state; leave --drop-state store out"));
  }
  CHECK(type_of(w, "store") == "flow.store@1");
  CHECK(w.instarctl({"update", "store=flow.store@2"}).code == 0);
  CHECK(w.instarctl({"rollback", "--drop-state", "tick"}).code == 3);
}

TEST_CASE("top prints the rates between two looks, as lines or as JSON") {
  const workshop w;
  const auto daemon = w.serve(w.flow("flow.toml", 1, 1));
  const auto top = w.instarctl({"top", "--interval", "200ms", "--count", "2"});
  CHECK(top.code == 0);
  CHECK(contains(top.out, "IN/s"));
  CHECK_FALSE(contains(top.out, "\x1b"));
  const auto lines = w.instarctl({"top", "--interval", "300ms", "--count", "1", "--json"});
  const auto look = json::parse(lines.out);
  const auto& store =
      look["operators"][0]["name"] == "store" ? look["operators"][0] : look["operators"][1];
  CHECK(store["packets_in_per_s"] > 100);
  CHECK(store["packets_in_per_s"] < 1100);
}

TEST_CASE("instarctl says so when the service goes away meanwhile") {
  const workshop w;
  const auto daemon = w.serve(w.flow("flow.toml", 1, 1));
  program top(INSTARCTL, {"top", "--interval", "100ms", "--admin", w.socket().string()},
              w.folder());
  REQUIRE(top.says("IN/s"));
  daemon->signal(SIGKILL);
  CHECK(top.wait() == 1);
  CHECK(contains(top.err(), "closed the connection"));
}
