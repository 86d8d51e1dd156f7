#include "meter.hpp"

#include <CLI/CLI.hpp>
#include <spdlog/spdlog.h>

#include <array>
#include <functional>
#include <iostream>
#include <map>

using namespace instar::bench;

namespace {

/// What CAF offers.
constexpr std::array<raw_setup, 4> raw_setups = {
    {{"sharing", 1}, {"sharing", 2}, {"stealing", 1}, {"stealing", 2}}};

/// What a service runs on unless its options say otherwise, on a machine of two cores.
constexpr raw_setup instar_default{"local", 2};

std::string name(raw_setup how) {
  return std::string(how.policy) + "_" + std::to_string(how.workers);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void sample(const std::string& figure, double value) {
  std::cout << figure << ' ' << value << '\n';
}

/// All sides, one after the other, `repetitions` times.
struct samples {
  std::vector<double> instar, same_scheduler;
  std::map<std::string, std::vector<double>> raw;
};
samples measure(question asked, std::uint64_t packets, int repetitions) {
  samples all;
  for (int i = 0; i < repetitions; ++i) {
    for (auto how : raw_setups) all.raw[name(how)].push_back(measure_raw_caf(how, asked, packets));
    all.same_scheduler.push_back(measure_raw_caf(instar_default, asked, packets));
    all.instar.push_back(measure_instar(asked, packets));
  }
  return all;
}

/// Prints one line `figure value` per sample: against the raw set-up of CAF's own with the best
/// median, and against the raw actors on the very scheduler that instar runs on by default.
void report(const samples& all, const std::string& best_ratio, const std::string& same_ratio,
            const std::string& unit, const std::function<bool(double, double)>& better) {
  const std::vector<double>* best = nullptr;
  for (const auto& [how, values] : all.raw) {
    for (auto value : values) sample("raw_caf_" + how + unit, value);
    if (!best || better(median(values), median(*best))) best = &values;
  }
  for (std::size_t i = 0; i < all.instar.size(); ++i) {
    sample("raw_caf" + unit, (*best)[i]);
    sample("instar" + unit, all.instar[i]);
    sample(best_ratio, all.instar[i] / (*best)[i]);
    sample("raw_caf_" + name(instar_default) + unit, all.same_scheduler[i]);
    sample(same_ratio, all.instar[i] / all.same_scheduler[i]);
  }
}

} // namespace

int main(int argc, char** argv) {
  int repetitions = 5;
  std::uint64_t packets = 4'000'000, round_trips = 50'000;
  CLI::App app("Six operators against six hand-wired CAF actors; prints 'figure value' per sample");
  app.add_option("--repetitions", repetitions)->check(CLI::Range(1, 1000));
  app.add_option("--packets", packets, "Packets per throughput sample")
      ->check(CLI::Range(10'000, 1'000'000'000));
  app.add_option("--round-trips", round_trips, "Packets per latency sample")
      ->check(CLI::Range(1'000, 10'000'000));
  CLI11_PARSE(app, argc, argv);
  try {
    spdlog::set_level(spdlog::level::err); // it writes to standard output too
    std::cout.precision(8);
    report(measure(question::throughput, packets, repetitions), "pipeline_vs_raw_caf_ratio",
           "pipeline_vs_raw_caf_same_scheduler_ratio", "_packets_per_s", std::greater<>());
    report(measure(question::latency, round_trips, repetitions), "latency_vs_raw_caf_ratio",
           "latency_vs_raw_caf_same_scheduler_ratio", "_latency_us", std::less<>());
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "bench-pipeline: " << error.what() << "\n";
    return 1;
  }
}
