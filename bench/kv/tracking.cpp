// What does it cost the key-value store that its entries could be handed over at any time? The
// store's engine on `tracked_map` against the same engine on containers that know nothing of that,
// while nothing is handed over. They take turns on the same commands.

#include "bench/driver.hpp"
#include "bench/kv/plain_map.hpp"
#include "services/kv/engine.hpp"
#include "services/kv/lanes.hpp"
#include "services/kv/model_v1.hpp"

#include <CLI/CLI.hpp>

#include <time.h>

#include <cstdint>
#include <iostream>
#include <random>
#include <string>
#include <vector>

using namespace instar;
using namespace instar::kv;

namespace {

using batches = std::vector<payload_ptr<batch>>;

/// GET and SET by halves, 16 at a time, of keys at random.
batches make_batches(std::size_t keys, std::size_t count, bool fill) {
  std::mt19937_64 random(1);
  lane_sorter sorted;
  const auto one_lane = [](std::uint64_t) { return std::size_t{0}; };
  batches made;
  std::size_t next = 0;
  for (std::size_t i = 0; i < count; ++i) {
    sorted.begin(1);
    std::string bytes; // views into it become views into the batch
    bytes.reserve(16 * 100);
    for (int n = 0; n < 16; ++n) {
      const auto at = bytes.size();
      bytes += "key:" + std::to_string(1'000'000'000 + (fill ? next++ % keys : random() % keys));
      const auto key = std::string_view(bytes).substr(at);
      const bool sets = fill || n % 2 == 0;
      sorted.args().push_back(sets ? "set" : "get");
      sorted.args().push_back(key);
      if (sets) sorted.args().push_back("a value of thirty-two characters");
      sorted.add(one_lane);
    }
    auto& lane = sorted.lanes()[0];
    made.push_back(batch::make({}, nullptr, {}, lane_end(0, 1), lane.commands, lane.args, bytes));
  }
  return made;
}

/// Of this thread: what else the machine does counts less.
double cpu_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

template <class Map>
class side {
public:
  explicit side(const batches& fill) { run(fill); }

  /// Nanoseconds for each command.
  double run(const batches& what) {
    const auto begin = cpu_ns();
    std::size_t bytes = 0;
    for (const auto& b : what) {
      const auto answers = replies::make({}, b->place(), 48 + b->commands().size() * 32);
      engine_.run(*b, *answers);
      bytes += answers->size();
    }
    const auto took = cpu_ns() - begin;
    if (bytes == 0) throw std::runtime_error("nothing was answered");
    return took / static_cast<double>(what.size() * 16);
  }

private:
  Map map_;
  engine<model_v1, Map> engine_{map_, store_limits{}};
};

} // namespace

int main(int argc, char** argv) {
  std::size_t keys = 1'000'000;
  int repetitions = 5;
  CLI::App app("what tracking costs the key-value store");
  app.add_option("--keys", keys);
  app.add_option("--repetitions", repetitions);
  CLI11_PARSE(app, argc, argv);

  using value = model_v1::codec::value;
  const auto fill = make_batches(keys, keys / 16 + 1, true);
  const auto work = make_batches(keys, 100'000, false);
  side<model_v1::codec::map> tracked(fill);
  side<bench::standard_map<std::string, value>> standard(fill);
  side<bench::doubling_table<std::string, value>> doubling(fill);
  for (int i = -1; i < repetitions; ++i) {
    const auto a = tracked.run(work), b = standard.run(work), c = doubling.run(work);
    if (i < 0) continue; // warm by now
    bench::sample("tracked_map_ns_per_command", a);
    bench::sample("unordered_set_ns_per_command", b);
    bench::sample("doubling_table_ns_per_command", c);
    bench::sample("tracking_overhead_ratio", a / b);
    bench::sample("tracked_vs_doubling_table_ratio", a / c);
  }
}
