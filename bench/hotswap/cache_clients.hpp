#pragma once

#include "actors/call_ports.hpp"
#include "services/cache/cached_file.hpp"

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace instar::bench {

/// Files whose every word is known from its place.
class known_files {
public:
  /// Made in the folder, unless they are there.
  explicit known_files(const std::filesystem::path& folder);

  static constexpr std::size_t count = 8;
  static constexpr std::size_t words = std::size_t{1} << 17; ///< of 8 bytes, in each file
  static std::uint64_t word(std::size_t file, std::size_t at) {
    auto h = (at + 1) * 0x9e3779b97f4a7c15 + file * 0xbf58476d1ce4e5b9;
    return (h ^ (h >> 29)) * 0x94d049bb133111eb;
  }
  const file_cache::cached_file& operator[](std::size_t i) const { return *open_[i]; }

private:
  std::vector<std::shared_ptr<const file_cache::cached_file>> open_;
};

/// Threads that read 256 bytes at random places as fast as they can, and look at what they get.
class cache_clients {
public:
  cache_clients(call_ports& at, const known_files& files, unsigned threads);
  ~cache_clients() { stop(); }

  void stop();
  std::uint64_t reads() const;
  std::vector<std::uint64_t> reads_of_each() const;
  std::uint64_t wrong() const { return wrong_; }

private:
  struct alignas(64) tally {
    std::atomic<std::uint64_t> reads{0};
  };
  void work(call_ports& at, const known_files& files, unsigned number);

  std::atomic<bool> enough_{false};
  std::atomic<std::uint64_t> wrong_{0};
  std::vector<tally> tallies_;
  std::vector<std::thread> threads_;
};

} // namespace instar::bench
