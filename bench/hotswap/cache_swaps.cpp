#include "cache_swaps.hpp"

#include "cache_clients.hpp"
#include "calls.hpp"

#include "services/cache/object.hpp"

#include <algorithm>
#include <fstream>
#include <limits>
#include <stdexcept>
#include <thread>

namespace instar::bench {

using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t window_ns = 100'000'000;
constexpr auto sample_every = 10ms;

std::string cache_of(const std::string& kind) {
  return "it = { type = 'cache." + kind + "@1', observe_every = '10ms' }\n";
}

void require_right(const cache_clients& clients) {
  if (clients.wrong() > 0)
    throw std::runtime_error(std::to_string(clients.wrong()) + " reads had wrong content");
}

double median(std::vector<double> values) {
  if (values.empty()) throw std::runtime_error("no whole 100 ms; give more time");
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// How many reads there were by when.
class timeline_of_reads {
public:
  explicit timeline_of_reads(const cache_clients& of) : of_(of) { sample(); }

  void watch(std::chrono::nanoseconds time) {
    const auto end = now_ns() + static_cast<std::uint64_t>(time.count());
    while (now_ns() < end) {
      std::this_thread::sleep_for(sample_every);
      sample();
    }
  }

  /// Reads/s of each 100 ms that has anything in common with the time from `begin` to `end`.
  std::vector<double> around(std::uint64_t begin, std::uint64_t end) const {
    return windows([=](std::uint64_t from, std::uint64_t to) { return to > begin && from < end; });
  }
  /// … of each 100 ms within.
  std::vector<double> within(std::uint64_t begin, std::uint64_t end) const {
    return windows(
        [=](std::uint64_t from, std::uint64_t to) { return from >= begin && to <= end; });
  }

  /// Slices of 20 ms or a little more.
  void write(std::ostream& into) const {
    std::size_t last = 0;
    for (std::size_t i = 1; i < points_.size(); ++i) {
      if (points_[i].at - points_[last].at < 20'000'000) continue;
      into << static_cast<double>(points_[i].at - points_[0].at) / 1e9 << ' ' << rate(last, i)
           << '\n';
      last = i;
    }
  }
  double seconds(std::uint64_t at) const {
    return static_cast<double>(at - points_.front().at) / 1e9;
  }

private:
  struct point {
    std::uint64_t at, reads;
  };

  void sample() {
    const auto reads = of_.reads();
    points_.push_back({now_ns(), reads});
  }
  double rate(std::size_t from, std::size_t to) const {
    return static_cast<double>(points_[to].reads - points_[from].reads) * 1e9 /
           static_cast<double>(points_[to].at - points_[from].at);
  }
  template <class Wanted>
  std::vector<double> windows(Wanted&& wanted) const {
    std::vector<double> rates;
    std::size_t to = 0;
    for (std::size_t from = 0; from < points_.size(); ++from) {
      while (to < points_.size() && points_[to].at - points_[from].at < window_ns) ++to;
      if (to == points_.size()) break;
      if (wanted(points_[from].at, points_[to].at)) rates.push_back(rate(from, to));
    }
    return rates;
  }

  const cache_clients& of_;
  std::vector<point> points_;
};

struct happening {
  std::uint64_t before, command, outcome, after; // moments
};

seen_swap judge(const timeline_of_reads& line, const happening& at) {
  const auto around = line.around(at.command, at.outcome);
  if (around.empty()) throw std::runtime_error("nothing was seen of an exchange");
  seen_swap seen;
  seen.before_per_s = median(line.within(at.before, at.command));
  seen.after_per_s = median(line.within(at.outcome, at.after));
  const auto lowest = *std::min_element(around.begin(), around.end());
  seen.dip = lowest / seen.before_per_s;
  seen.dip_vs_lower = lowest / std::min(seen.before_per_s, seen.after_per_s);
  seen.took_ms = static_cast<double>(at.outcome - at.command) / 1e6;
  return seen;
}

double least_vs_median(const cache_clients& clients) {
  std::vector<double> each;
  for (const auto reads : clients.reads_of_each()) each.push_back(static_cast<double>(reads));
  return *std::min_element(each.begin(), each.end()) / median(each);
}

} // namespace

double cache_throughput(const std::string& modules, const known_files& files, cache_run kind,
                        unsigned threads, std::chrono::milliseconds time) {
  called_service running(modules,
                         cache_of(kind == cache_run::partitioned ? "partitioned" : "simple"));
  running.await<file_cache::object>();
  cache_clients clients(running.calls(), files, threads);
  std::this_thread::sleep_for(time / 4);
  if (kind == cache_run::swapped) {
    running.begin_exchange("cache.partitioned");
    running.exchanged();
  }
  const auto began = now_ns();
  const auto before = clients.reads();
  std::this_thread::sleep_for(time);
  const auto reads = clients.reads() - before;
  const auto took = now_ns() - began;
  clients.stop();
  require_right(clients);
  return static_cast<double>(reads) * 1e9 / static_cast<double>(took);
}

seen_swaps swap_under_load(const std::string& modules, const known_files& files, unsigned threads,
                           int rounds, std::chrono::milliseconds apart,
                           const std::filesystem::path& timeline) {
  called_service running(modules, cache_of("simple"));
  running.await<file_cache::object>();
  cache_clients clients(running.calls(), files, threads);
  std::this_thread::sleep_for(apart); // its pages come into memory
  timeline_of_reads line(clients);
  std::vector<happening> swaps, nothing;
  for (int i = 0; i < 2 * rounds; ++i) {
    happening none{now_ns(), 0, 0, 0};
    line.watch(apart);
    none.command = none.outcome = now_ns();
    line.watch(apart);
    none.after = now_ns();
    nothing.push_back(none);
    happening swap{none.outcome, now_ns(), 0, 0};
    running.begin_exchange(i % 2 == 0 ? "cache.partitioned" : "cache.simple");
    line.watch(apart);
    swap.outcome = running.exchanged();
    swap.after = now_ns();
    swaps.push_back(swap);
  }
  clients.stop();
  require_right(clients);
  seen_swaps seen;
  for (std::size_t i = 0; i < swaps.size(); ++i)
    (i % 2 == 0 ? seen.to_partitioned : seen.to_simple).push_back(judge(line, swaps[i]));
  for (const auto& one : nothing) seen.none.push_back(judge(line, one));
  seen.least_client_vs_median = least_vs_median(clients);
  std::ofstream slices(timeline), moments(timeline.string() + ".swaps");
  line.write(slices);
  for (const auto& one : swaps) moments << line.seconds(one.command) << '\n';
  return seen;
}

} // namespace instar::bench
