#include "transfer/checkpoint_folder.hpp"
#include "workshop.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <csignal>
#include <fstream>

using namespace instar;
using namespace instar::test;
using nlohmann::json;

namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string chain(const workshop& w, const std::string& name, int version,
                  const std::string& arcs = "source -> a -> sink", const std::string& more = "") {
  const auto at = "@" + std::to_string(version) + "\" }\n";
  return w.file(name, "[graph]\nname = \"chain\"\nmodules = [\"" TEST_MODULES "\"]\narcs = [\"" +
                          arcs + "\"]\n" + more + "[operators]\nsource = { type = \"chain.source" +
                          at + (contains(arcs, "a ->") ? "a = { type = \"chain.stage" + at : "") +
                          "sink = { type = \"chain.sink" + at);
}

std::string folder(const workshop& w) { return (w.folder() / "checkpoints").string(); }

/// A folder with one checkpoint of a chain that has run.
std::filesystem::path write_one(const workshop& w) {
  const auto daemon = w.serve(chain(w, "chain.toml", 1), {"--checkpoints", folder(w)});
  const auto written = w.instarctl({"checkpoint"});
  REQUIRE_MESSAGE(written.code == 0, written.err);
  daemon->signal(SIGTERM);
  CHECK(daemon->wait() == 0);
  return newest_whole(folder(w)).file->info().file;
}

} // namespace

TEST_CASE("instarctl checkpoint writes one, checkpoints lists those there are") {
  const workshop w;
  const auto daemon = w.serve(chain(w, "chain.toml", 1), {"--checkpoints", folder(w)});
  CHECK(contains(w.instarctl({"checkpoints"}).out, "No checkpoints in " + folder(w)));
  const auto first = w.instarctl({"checkpoint"});
  CHECK(first.code == 0);
  CHECK_MESSAGE(contains(first.out, "committed, epoch 2: checkpoint -> " + folder(w)), first.out);
  CHECK(contains(first.out, "3 operators"));
  const auto second = w.instarctl({"checkpoint", "--json"});
  CHECK(json::parse(second.out)["outcome"]["outcome"] == "committed");
  std::ofstream(newest_whole(folder(w)).file->info().file, std::ios::app) << "more";
  const auto listed = json::parse(w.instarctl({"checkpoints", "--json"}).out);
  CHECK(listed["folder"] == folder(w));
  REQUIRE(listed["checkpoints"].size() == 2);
  CHECK(listed["checkpoints"][0]["whole"] == false);
  CHECK(contains(listed["checkpoints"][0]["damage"], "oversized"));
  CHECK(listed["checkpoints"][1]["whole"] == true);
  CHECK(listed["checkpoints"][1]["epoch"] == 2);
  CHECK(listed["checkpoints"][1]["operators"] == 3);
  const auto text = w.instarctl({"checkpoints"}).out;
  CHECK(contains(text, "0000000001-epoch-2.instar"));
  CHECK(contains(text, "no: checkpoint "));
  const auto history = w.instarctl({"history"}).out;
  CHECK(contains(history, "checkpoint -> "));
  CHECK(w.instarctl({"rollback"}).code == 3); // nothing ran before
}

TEST_CASE("without a folder there are no checkpoints, and two daemons do not share one") {
  const workshop w;
  const auto graph = chain(w, "chain.toml", 1);
  {
    const auto daemon = w.serve(graph);
    for (const auto* command : {"checkpoint", "checkpoints"}) {
      const auto refused = w.instarctl({command});
      CHECK(refused.code == 3);
      CHECK(contains(refused.out + refused.err, "instard --checkpoints DIR"));
    }
  }
  const workshop other;
  const auto daemon = w.serve(graph, {"--checkpoints", folder(w)});
  const auto second = other.instard(
      {"--graph", graph, "--admin", other.socket().string(), "--checkpoints", folder(w)});
  CHECK(second.code == 1);
  CHECK(contains(second.err, "another process writes checkpoints into it"));
}

TEST_CASE("a service goes on from a checkpoint, with its graph or with a newer version of it") {
  const workshop w;
  write_one(w);
  {
    const auto daemon = w.serve({}, {"--restore", folder(w)});
    CHECK(contains(w.instarctl({"history"}).out, "restored from "));
    CHECK(contains(w.instarctl({"status"}).out, "epoch 3"));
  }
  const auto daemon = w.serve(chain(w, "newer.toml", 2), {"--restore", folder(w)});
  CHECK(contains(w.instarctl({"status"}).out, "chain.stage@2"));
  CHECK(daemon->runs());
}

TEST_CASE("what does not fit the checkpoint is refused before anything runs") {
  const workshop w;
  const auto file = write_one(w);
  const auto restore = [&](const std::string& graph, std::vector<std::string> more = {}) {
    more.insert(more.end(), {"--check", "--restore", folder(w)});
    if (!graph.empty()) more.insert(more.end(), {"--graph", graph});
    return w.instard(more);
  };
  CHECK(restore("").code == 0);
  CHECK(restore(chain(w, "same.toml", 2)).code == 0);
  const auto retyped = restore(chain(w, "retyped.toml", 3));
  CHECK(retyped.code == 2);
  CHECK(
      contains(retyped.err, "operator 'a': the state of chain.stage@1 cannot go to chain.stage@3"));
  CHECK(contains(retyped.err, "count"));
  CHECK(restore(chain(w, "retyped.toml", 3),
                {"--drop-state", "a", "--drop-state", "source", "--drop-state", "sink"})
            .code == 0);
  const auto smaller = chain(w, "smaller.toml", 1, "source -> sink");
  const auto lost = restore(smaller);
  CHECK(lost.code == 2);
  CHECK(contains(lost.err, "--drop-state a"));
  CHECK(restore(smaller, {"--drop-state", "a"}).code == 0);
  CHECK(restore("", {"--set", "ghost.x=1"}).code == 2);
  CHECK(restore("", {"--set", "a.ballast=1KiB"}).code == 0);
  CHECK(w.instard({"--graph", smaller, "--drop-state", "a"}).code == 2); // without --restore

  std::filesystem::resize_file(file, std::filesystem::file_size(file) - 1);
  const auto damaged = restore("");
  CHECK(damaged.code == 2);
  CHECK(contains(damaged.err, "truncated"));
  CHECK(contains(damaged.err, "no checkpoint in it is whole"));
  std::filesystem::remove(file);
  CHECK(restore("").code == 2);
  CHECK(restore(smaller).code == 0); // there is none yet: it begins anew
}

TEST_CASE("checkpoint_every and checkpoint_keep in the graph file") {
  const workshop w;
  const auto check = [&](const std::string& more) {
    return w.instard({"--check", "--graph", chain(w, "t.toml", 1, "source -> a -> sink", more)});
  };
  CHECK(check("checkpoint_every = \"10s\"\ncheckpoint_keep = 5\n").code == 0);
  for (const auto* wrong : {"checkpoint_every = 10\n", "checkpoint_every = \"1ms\"\n",
                            "checkpoint_keep = 0\n", "checkpoint_every = \"often\"\n"}) {
    const auto a = check(wrong);
    CHECK(a.code == 2);
    CHECK_MESSAGE(contains(a.err, "checkpoint_"), a.err);
  }
}
