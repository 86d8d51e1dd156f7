// What a client notices while an operator with much state is updated: to a version with another
// schema, or to one that takes over the object itself.

#include "bench/driver.hpp"
#include "bench/state/operators.hpp"

#include <CLI/CLI.hpp>
#include <jemalloc/jemalloc.h>
#include <spdlog/spdlog.h>

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <thread>

using namespace instar;
using namespace instar::bench;
using namespace std::chrono_literals;

#define TEXT_OF(x) #x
#define STRINGIFY(x) TEXT_OF(x)

namespace {

double ms(client::clock::duration d) {
  return std::chrono::duration<double, std::milli>(d).count();
}

double resident_mb() {
  std::size_t total = 0, resident = 0;
  if (FILE* file = std::fopen("/proc/self/statm", "re")) {
    if (std::fscanf(file, "%zu %zu", &total, &resident) != 2) resident = 0;
    std::fclose(file);
  }
  return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1e6;
}

/// Without what the allocator keeps of freed memory for a while.
double steady_mb() {
  if (mallctl("arena." STRINGIFY(MALLCTL_ARENAS_ALL) ".purge", nullptr, nullptr, nullptr, 0) != 0)
    throw std::runtime_error("jemalloc does not purge");
  return resident_mb();
}

/// The most memory that the process had, looked at every few ms.
class memory_watch {
public:
  memory_watch() : thread_([this] { run(); }) {}
  ~memory_watch() { stop(); }
  double stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
    return peak_;
  }

private:
  void run() {
    for (; !stop_; std::this_thread::sleep_for(5ms)) peak_ = std::max(peak_, resident_mb());
  }
  std::atomic<bool> stop_ = false;
  double peak_ = 0;
  std::thread thread_;
};

struct wish {
  std::string type = "bench.ledger", transfer;
  std::int64_t accounts = 1'000;
  int updates = 5;
  int watch_s = 1;
  std::chrono::milliseconds calm = 1s;
  std::string suffix;
};

graph graph_of(const wish& w) {
  auto g = pipeline({"bench.door", w.type, "bench.end"}, 256);
  g.operators[1].values.set("accounts", setting_value(w.accounts));
  if (w.transfer == "pre_copy") g.operators[1].transfer = part_transfer::pre_copy;
  if (w.transfer == "progressive") g.operators[1].transfer = part_transfer::progressive;
  return g;
}

/// One update, between two times of calm.
void measure(service& on, client& from, const wish& w, std::uint32_t version) {
  from.forget();
  const auto began = client::clock::now();
  std::this_thread::sleep_for(w.calm);
  const auto before_mb = steady_mb();
  memory_watch watch;
  const auto asked = client::clock::now();
  const auto entry = update(on, {{"n1", w.type, version}});
  const auto done = client::clock::now();
  const auto peak = watch.stop();
  require_committed(entry);
  const auto watched = std::max(done + 1s, asked + std::chrono::seconds(w.watch_s));
  std::this_thread::sleep_until(watched);
  const auto steady = std::max(before_mb, steady_mb());
  const auto before = from.between(began, asked), during = from.between(asked, done),
             noticed = from.between(asked, watched);
  sample("stall_" + w.suffix + "_ms", ms(noticed.longest));
  sample("longest_before_" + w.suffix + "_ms", ms(before.longest));
  sample("update_" + w.suffix + "_ms", ms(done - asked));
  const auto per_s = [](const client::summary& s, auto time) {
    return static_cast<double>(s.answers) / std::chrono::duration<double>(time).count();
  };
  sample("requests_before_" + w.suffix + "_per_s", per_s(before, asked - began));
  if (done - asked > 100ms) // shorter ones say nothing
    sample("throughput_during_" + w.suffix + "_ratio",
           per_s(during, done - asked) / per_s(before, asked - began));
  sample("peak_memory_vs_steady_" + w.suffix + "_ratio", peak / steady);
  sample("mark_to_commit_" + w.suffix + "_us",
         std::chrono::duration<double, std::micro>(entry.mark_to_commit).count());
}

} // namespace

int main(int argc, char** argv) {
  wish w;
  CLI::App app("Updates of an operator with much state; prints 'figure value' lines");
  app.add_option("--accounts", w.accounts)->check(CLI::Range(1, 100'000'000));
  app.add_option("--updates", w.updates)->check(CLI::Range(1, 1'000));
  app.add_option("--transfer", w.transfer, "pre_copy or progressive; else as the size suggests")
      ->check(CLI::IsMember({"pre_copy", "progressive"}));
  app.add_option("--type", w.type)->check(CLI::IsMember({"bench.ledger", "bench.object"}));
  app.add_option("--watch", w.watch_s, "Seconds from the command in which stalls count, at least")
      ->check(CLI::Range(1, 600));
  app.add_option("--suffix", w.suffix, "of the figures' names")->required();
  CLI11_PARSE(app, argc, argv);
  try {
    spdlog::set_level(spdlog::level::err);
    std::cout.precision(8);
    client asking(static_cast<std::uint64_t>(w.accounts));
    desk shared{&asking};
    service_options options;
    options.operators = ledger_library();
    service running(options);
    running.offer(desk::resource_name, &shared);
    require_committed(apply(running, graph_of(w)));
    asking.start();
    std::this_thread::sleep_for(500ms);
    for (int i = 0; i < w.updates; ++i)
      measure(running, asking, w, static_cast<std::uint32_t>(i % 2 == 0 ? 2 : 1));
    asking.stop();
    sample("wrong_answers", static_cast<double>(asking.wrong()));
    return asking.wrong() == 0 ? 0 : 1;
  } catch (const std::exception& error) {
    std::cerr << "bench-state: " << error.what() << "\n";
    return 1;
  }
}
