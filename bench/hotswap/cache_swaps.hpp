#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace instar::bench {

class known_files;

/// Reads/s of so many clients, with one cache all the time, or from the exchange of a simple one
/// for a partitioned one on.
enum class cache_run { simple, partitioned, swapped };
double cache_throughput(const std::string& modules, const known_files& files, cache_run kind,
                        unsigned threads, std::chrono::milliseconds time);

/// One exchange under load, or as much time without one.
struct seen_swap {
  double dip = 0;          ///< lowest 100 ms around it against the median before
  double dip_vs_lower = 0; ///< … against the lower one of the medians before and after
  double took_ms = 0;      ///< from the command to the outcome
  double before_per_s = 0, after_per_s = 0;
};
struct seen_swaps {
  std::vector<seen_swap> to_partitioned, to_simple, none;
  double least_client_vs_median = 0; ///< reads of the client with the fewest
};

/// `rounds` times there and back, while `threads` clients read; each exchange, and each time
/// without one, stands in the middle of `apart`. Writes reads/s over time to `timeline` (seconds,
/// reads/s), and the moments of exchanges to `timeline` + ".swaps". Throws if any content was
/// wrong.
seen_swaps swap_under_load(const std::string& modules, const known_files& files, unsigned threads,
                           int rounds, std::chrono::milliseconds apart,
                           const std::filesystem::path& timeline);

} // namespace instar::bench
