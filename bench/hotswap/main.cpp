// K42's experiments: a counter and a file cache that are exchanged while threads call them. Prints
// 'figure value' per sample.
#include "cache_clients.hpp"
#include "cache_swaps.hpp"
#include "calls.hpp"
#include "counter_phases.hpp"
#include "idle_costs.hpp"

#include <CLI/CLI.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <iostream>
#include <map>
#include <string>
#include <vector>

using namespace instar::bench;

namespace {

std::string figure(const std::string& name, unsigned threads, const std::string& unit) {
  return name + "_" + std::to_string(threads) + unit;
}

/// All ways of a number of threads, one after the other.
void counter_turn(const std::string& modules, unsigned threads, std::uint64_t together,
                  bool with_policy) {
  // The paper's 100,000 of each thread are over before a policy has looked: so many times that.
  constexpr std::uint64_t papers = 100'000;
  const auto operations = std::max<std::uint64_t>(together / threads / papers, 1) * papers;
  const auto run = [&](counter_run kind, const std::string& name) {
    const auto took = run_phases(modules, kind, threads, operations);
    sample(figure("counter_" + name + "_updates", threads, "_ms"), took.updates_ms);
    sample(figure("counter_" + name + "_reads", threads, "_ms"), took.reads_ms);
    if (took.exchanged_after_ms > 0)
      sample(figure("counter_" + name + "_exchanged_after", threads, "_ms"),
             took.exchanged_after_ms);
    return took;
  };
  // What is compared in each phase follows each other: the machine does not stay the same for long.
  const auto partitioned = run(counter_run::partitioned, "partitioned");
  const auto swapped = run(counter_run::swapped, "swapped");
  const auto shared = run(counter_run::shared, "shared");
  sample(figure("swapped_vs_best_updates", threads, "_ratio"),
         swapped.updates_ms / std::min(partitioned.updates_ms, shared.updates_ms));
  sample(figure("swapped_vs_best_reads", threads, "_ratio"),
         swapped.reads_ms / std::min(partitioned.reads_ms, shared.reads_ms));
  if (!with_policy) return;
  const auto policy = run(counter_run::policy, "policy");
  sample(figure("policy_vs_command", threads, "_ratio"),
         (policy.updates_ms + policy.reads_ms) / (swapped.updates_ms + swapped.reads_ms));
}

void cache_turn(const std::string& modules, const known_files& files, unsigned threads,
                std::chrono::milliseconds time) {
  const auto run = [&](cache_run kind, const std::string& name) {
    const auto rate = cache_throughput(modules, files, kind, threads, time);
    sample(figure("cache_" + name, threads, "_reads_per_s"), rate);
    return rate;
  };
  const auto simple = run(cache_run::simple, "simple");
  const auto partitioned = run(cache_run::partitioned, "partitioned");
  const auto swapped = run(cache_run::swapped, "swapped");
  sample(figure("cache_partitioned_vs_simple", threads, "_ratio"), partitioned / simple);
  sample(figure("cache_swapped_vs_best", threads, "_ratio"),
         swapped / std::max(simple, partitioned));
}

void show_swaps(const seen_swaps& seen) {
  for (const auto& one : seen.to_partitioned) {
    sample("swap_throughput_dip_ratio", one.dip);
    sample("swap_under_load_ms", one.took_ms);
    sample("cache_simple_before_swap_reads_per_s", one.before_per_s);
    sample("cache_partitioned_after_swap_reads_per_s", one.after_per_s);
  }
  for (const auto& one : seen.to_simple) {
    sample("swap_back_throughput_dip_ratio", one.dip_vs_lower);
    sample("swap_back_under_load_ms", one.took_ms);
  }
  for (const auto& one : seen.none) sample("without_swap_throughput_dip_ratio", one.dip);
  sample("least_client_vs_median_ratio", seen.least_client_vs_median);
}

} // namespace

int main(int argc, char** argv) {
  std::string modules, folder, timeline, what;
  std::vector<unsigned> threads{1, 2, 4, 12};
  int repetitions = 5, rounds = 5;
  std::uint64_t together = 40'000'000, idle_rounds = 100;
  unsigned time = 300;
  bool with_policy = true;
  CLI::App app("Hot-swapped objects; prints 'figure value' per sample");
  app.require_subcommand(1);
  app.add_option("--modules", modules, "Folder of the modules")->required();
  app.add_option("--threads", threads)->delimiter(',')->check(CLI::Range(1, 64));
  app.add_option("--repetitions", repetitions)->check(CLI::Range(1, 1000));
  app.add_option("--milliseconds", time, "Of one measurement of the cache")
      ->check(CLI::Range(200, 60'000));
  auto* counter = app.add_subcommand("counter", "Two phases: updates, then reads");
  counter->add_option("--operations", together, "Per phase, of all threads together");
  counter->add_flag("--policy,!--no-policy", with_policy, "Also with a policy (default)");
  auto* cache = app.add_subcommand("cache", "Reads/s by number of threads");
  auto* swaps = app.add_subcommand("swaps", "Exchanges under the most threads");
  for (auto* one : {cache, swaps})
    one->add_option("--files", folder, "Folder for the files that are read")->required();
  swaps->add_option("--rounds", rounds, "There and back")->check(CLI::Range(1, 1000));
  swaps->add_option("--timeline", timeline, "File for reads/s over time")->required();
  auto* idle =
      app.add_subcommand("idle", "Something so often that its instructions can be counted");
  idle->add_option("what", what)->required();
  idle->add_option("--rounds", idle_rounds)->check(CLI::Range(1, 1'000'000'000));
  CLI11_PARSE(app, argc, argv);
  try {
    spdlog::set_level(spdlog::level::err); // it writes to standard output too
    std::cout.precision(8);
    if (idle->parsed()) do_idle(what, modules, idle_rounds);
    for (int i = 0; counter->parsed() && i < repetitions; ++i)
      for (const auto n : threads) counter_turn(modules, n, together, with_policy);
    if (cache->parsed()) {
      const known_files files(folder);
      for (int i = 0; i < repetitions; ++i)
        for (const auto n : threads) cache_turn(modules, files, n, std::chrono::milliseconds(time));
    }
    if (swaps->parsed())
      show_swaps(swap_under_load(modules, known_files(folder),
                                 *std::max_element(threads.begin(), threads.end()), rounds,
                                 std::chrono::milliseconds(time), timeline));
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "bench-hotswap: " << error.what() << "\n";
    return 1;
  }
}
