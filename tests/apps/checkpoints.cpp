#include "transfer/checkpoint_folder.hpp"
#include "workshop.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <fstream>
#include <stdexcept>
#include <string>

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

/// A key-value service with so many stores.
std::string stores(const workshop& w, int replicas, int version = 1) {
  return w.file("kv-" + std::to_string(replicas) + ".toml",
                "[graph]\nname = \"kv\"\narcs = [\"accept -> read -> parse -> store -> reply\"]\n"
                "[operators]\naccept = { type = \"net.accept@1\", port = 0 }\n"
                "read = { type = \"net.read@1\" }\nparse = { type = \"kv.parse@1\" }\n"
                "store = { type = \"kv.store@" +
                    std::to_string(version) + "\", key = \"hash\", replicas = " +
                    std::to_string(replicas) + " }\nreply = { type = \"kv.reply@1\" }\n");
}

/// Sends commands to a daemon that listens, and reads so many bytes of its answers.
std::string ask(const program& daemon, const std::string& commands, std::size_t bytes) {
  const auto said = daemon.out();
  const auto at = said.find(':', said.find("listening="));
  REQUIRE(at != said.npos);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(said.substr(at + 1))));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
  REQUIRE(::send(fd, commands.data(), commands.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(commands.size()));
  std::string got(bytes, ' ');
  std::size_t have = 0;
  while (have < bytes) {
    const auto n = ::recv(fd, got.data() + have, bytes - have, 0);
    if (n <= 0) break;
    have += static_cast<std::size_t>(n);
  }
  ::close(fd);
  got.resize(have);
  return got;
}

constexpr int kv_keys = 2000;

void fill(const program& daemon) {
  std::string commands, answers;
  for (int i = 0; i < kv_keys; ++i) {
    commands += "SET key" + std::to_string(i) + " value" + std::to_string(i) + "\r\n";
    answers += "+OK\r\n";
  }
  CHECK(ask(daemon, commands, answers.size()) == answers);
}

/// Every key answers with its value, and there are no others.
void check_filled(const program& daemon) {
  std::string commands, answers;
  for (int i = 0; i < kv_keys; ++i) {
    const auto value = "value" + std::to_string(i);
    commands += "GET key" + std::to_string(i) + "\r\n";
    answers += "$" + std::to_string(value.size()) + "\r\n" + value + "\r\n";
  }
  commands += "DBSIZE\r\n";
  answers += ":" + std::to_string(kv_keys) + "\r\n";
  CHECK(ask(daemon, commands, answers.size()) == answers);
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

TEST_CASE("keyed replicas go on in as many or others: every key answers with its value") {
  const workshop w;
  const auto write = [&] {
    const auto written = w.instarctl({"checkpoint"});
    REQUIRE_MESSAGE(written.code == 0, written.err);
  };
  {
    const auto daemon = w.serve(stores(w, 2), {"--checkpoints", folder(w)});
    fill(*daemon);
    write();
    daemon->signal(SIGKILL);
    daemon->wait();
  }
  // Settings name all of them.
  CHECK(w.instard({"--check", "--restore", folder(w), "--set", "store.max_value=1MiB"}).code == 0);
  {
    const auto daemon = w.serve({}, {"--restore", folder(w)});
    check_filled(*daemon);
  }
  {
    const auto daemon = w.serve(stores(w, 3), {
                                                  "--restore",
                                                  folder(w),
                                                  "--checkpoints",
                                                  folder(w),
                                              });
    CHECK(contains(w.instarctl({"status"}).out, "store:2/3"));
    check_filled(*daemon);
    write();
  }
  {
    const auto daemon = w.serve(stores(w, 1), {"--restore", folder(w), "--checkpoints", folder(w)});
    check_filled(*daemon);
    write();
  }
  // Another schema, too.
  const auto daemon = w.serve(stores(w, 4, 5), {"--restore", folder(w)});
  check_filled(*daemon);
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
