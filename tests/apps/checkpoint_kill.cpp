// checkpoint_kill [--rounds N | --long] [--from SEED]
//
// A real daemon that writes checkpoints all the time is killed at random moments, and goes on from
// the newest one: again and again. Each time that one has to be whole, no older than what was there
// before, and a consistent cut; and the operators themselves stop the service if a packet is
// missing or comes twice. So it is with the entries that keepers have for keys, of which each
// daemon has another number, and with them other places for keys.

#include "chain.capnp.h"
#include "lifecycle/checkpoint_contents.hpp"
#include "modules/keyed_packets.hpp"
#include "program.hpp"
#include "temporary_folder.hpp"
#include "transfer/checkpoint_folder.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <thread>

using namespace instar;
using namespace instar::test;

namespace {

struct options {
  int rounds = 15;
  std::uint64_t seed = 1;
};

[[noreturn]] void fail(int round, const std::string& why, const program& daemon) {
  std::printf("round %d: %s\n%s%s", round, why.c_str(), daemon.out().c_str(), daemon.err().c_str());
  std::exit(1);
}

bool is_keeper(const std::string& name) { return name.starts_with("keep"); }

using kept = std::map<std::uint64_t, std::uint64_t>;

/// Adds what a keeper has; returns what is wrong with it.
std::string add_kept(const checkpoint_contents& contents, const std::string& name, kept& all) {
  kept own;
  for (std::size_t i = 0; i < contents.parts_of(name); ++i) {
    const auto part = contents.part_of(name, i);
    if (!part) return part.error().message;
    state_reader reader(*part);
    const auto read = reader.root<KeptPart>();
    for (const auto e : read.getEntries()) own[e.getKey()] = e.getSeen();
    for (const auto key : read.getGone()) own.erase(key);
  }
  for (const auto& [key, seen] : own)
    if (!all.emplace(key, seen).second) return "key " + std::to_string(key) + " is at two keepers";
  return {};
}

/// What is wrong with what all keepers have together, after so many packets.
std::string look_at_kept(const checkpoint_contents& contents, std::uint64_t sent) {
  kept all;
  for (const auto& [name, type] : contents.operators())
    if (is_keeper(name))
      if (auto wrong = add_kept(contents, name, all); !wrong.empty()) return wrong;
  for (std::uint64_t key = 0; key < keyed_packets; ++key) {
    const auto found = all.find(key);
    const auto seen = found == all.end() ? 0 : found->second;
    const auto expected = kept_of(key, sent);
    if (seen != expected)
      return "no consistent cut: keepers have " + std::to_string(seen) + " for key " +
             std::to_string(key) + ", not " + std::to_string(expected);
  }
  return all.size() > keyed_packets ? "keepers have keys that there are not" : "";
}

/// What is wrong with a checkpoint's states; sets how many packets had been sent.
std::string look_at(const checkpoint_contents& contents, std::size_t keepers, std::uint64_t& sent) {
  if (contents.operators().size() != 5 + keepers) return "not all operators are in it";
  bool first = true;
  for (const auto& [name, type] : contents.operators()) {
    if (is_keeper(name)) continue;
    const auto saved = contents.state_of(name);
    if (!saved) return saved.error().message;
    state_reader reader(*saved);
    const auto read = reader.root<ChainState>();
    const auto count = read.getCount();
    if (first) sent = count;
    first = false;
    if (count != sent)
      return "no consistent cut: " + name + " has seen " + std::to_string(count) +
             " packets, another one " + std::to_string(sent);
    if (read.getSum() != count * (count - 1) / 2 && count > 0) return "the sum of " + name;
  }
  return look_at_kept(contents, sent);
}

/// The graph file, with so many keepers.
void write_graph(const std::string& file, int keepers) {
  std::ofstream(file) << "[graph]\nname = \"chain\"\nmodules = [\"" TEST_MODULES
                         "\"]\ncheckpoint_every = \"100ms\"\ncheckpoint_keep = 2\n"
                         "arcs = [\"source -> a -> b -> sink\", \"a -> key -> keep\"]\n"
                         "[operators]\n"
                         "source = { type = \"chain.source@1\" }\n"
                         "a = { type = \"chain.stage@1\", ballast = \"4MiB\" }\n"
                         "b = { type = \"chain.stage@1\", ballast = \"1MiB\" }\n"
                         "sink = { type = \"chain.sink@1\" }\n"
                         "key = { type = \"chain.keyer@1\" }\n"
                         "keep = { type = \"chain.keeper@1\", replicas = "
                      << keepers << " }\n";
}

/// How long a daemon that is ready takes to write its first checkpoint: differs between machines,
/// builds, and with what else runs.
std::chrono::microseconds first_checkpoint(const std::filesystem::path& checkpoints,
                                           program& daemon) {
  const auto began = std::chrono::steady_clock::now();
  while (!newest_whole(checkpoints).file) {
    const auto now = std::chrono::steady_clock::now();
    if (!daemon.runs()) fail(0, "it has ended by itself", daemon);
    if (now > began + std::chrono::seconds(60)) fail(0, "it writes no checkpoint", daemon);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() -
                                                               began);
}

int run(const options& o) {
  temporary_folder at;
  const auto checkpoints = at.path() / "checkpoints";
  const auto graph = (at.path() / "chain.toml").string();
  std::mt19937_64 random(o.seed);
  std::uint64_t last_number = 0, last_sent = 0;
  int interrupted = 0;
  std::chrono::microseconds longest{350'000};
  for (int round = 0; round <= o.rounds; ++round) {
    const int keepers = 1 + round % 3;
    write_graph(graph, keepers);
    program daemon(INSTARD,
                   {"--graph", graph, "--admin", (at.path() / "admin.sock").string(), "--restore",
                    checkpoints.string(), "--checkpoints", checkpoints.string()},
                   at.path());
    if (!daemon.says("ready ")) fail(round, "it does not start", daemon);
    // In round 0 it is left in peace until it has written one.
    if (round == 0) longest = std::max(longest, first_checkpoint(checkpoints, daemon) * 3 / 2);
    else
      std::this_thread::sleep_for(
          std::chrono::microseconds(random() % static_cast<std::uint64_t>(longest.count())));
    if (!daemon.runs()) fail(round, "it has ended by itself", daemon);
    daemon.signal(SIGKILL);
    daemon.wait();
    for (const auto& file : std::filesystem::directory_iterator(checkpoints))
      interrupted += is_checkpoint_leftover(file.path());
    auto newest = newest_whole(checkpoints);
    for (const auto& wrong : newest.skipped) fail(round, wrong.message, daemon);
    if (!newest.file) fail(round, "the checkpoints are gone", daemon);
    const auto contents = checkpoint_contents::read(*std::move(newest.file));
    if (!contents) fail(round, contents.error().message, daemon);
    const auto& info = (*contents)->info();
    std::uint64_t sent = 0;
    // The newest may be one that an earlier daemon has written, with its number of them.
    const auto written = (*contents)->content().operators.size() - 5;
    if (const auto wrong = look_at(**contents, written, sent); !wrong.empty())
      fail(round, wrong, daemon);
    if (info.number < last_number || sent < last_sent)
      fail(round, "it is older than the one before", daemon);
    last_number = info.number;
    last_sent = sent;
  }
  std::printf("%d rounds, %d killed while a file was being written, %llu packets\n", o.rounds,
              interrupted, static_cast<unsigned long long>(last_sent));
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  options o;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--long") o.rounds = 200;
    else if (argument == "--rounds" && i + 1 < argc) o.rounds = std::atoi(argv[++i]);
    else if (argument == "--from" && i + 1 < argc) o.seed = std::strtoull(argv[++i], nullptr, 10);
    else return std::fprintf(stderr, "usage: %s [--rounds N | --long] [--from SEED]\n", argv[0]), 2;
  }
  return run(o);
}
