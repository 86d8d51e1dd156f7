#include "cache_clients.hpp"

#include "services/cache/reader.hpp"

#include <fstream>
#include <random>
#include <span>
#include <stdexcept>

namespace instar::bench {

known_files::known_files(const std::filesystem::path& folder) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto path = folder / ("cached-" + std::to_string(i));
    std::error_code none;
    if (std::filesystem::file_size(path, none) != words * 8 || none) {
      std::vector<std::uint64_t> content(words);
      for (std::size_t at = 0; at < words; ++at) content[at] = word(i, at);
      std::ofstream(path, std::ios::binary)
          .write(reinterpret_cast<const char*>(content.data()),
                 static_cast<std::streamsize>(words * 8));
    }
    auto file = file_cache::cached_file::open(path);
    if (!file) throw std::runtime_error(file.error().message);
    open_.push_back(*std::move(file));
  }
}

cache_clients::cache_clients(call_ports& at, const known_files& files, unsigned threads)
    : tallies_(threads) {
  for (unsigned i = 0; i < threads; ++i)
    threads_.emplace_back([this, &at, &files, i] { work(at, files, i); });
}

void cache_clients::work(call_ports& at, const known_files& files, unsigned number) {
  constexpr std::size_t read_words = 32;
  file_cache::reader mine(at, "it");
  std::minstd_rand random(number + 1);
  std::uint64_t into[read_words];
  auto& done = tallies_[number].reads;
  while (!enough_.load(std::memory_order_relaxed)) {
    const auto file = random() % known_files::count;
    const auto first = random() % (known_files::words - read_words);
    const auto got = mine.read(files[file], first * 8, std::as_writable_bytes(std::span(into)));
    const bool right = got && *got == sizeof into && into[0] == known_files::word(file, first) &&
                       into[read_words - 1] == known_files::word(file, first + read_words - 1);
    if (!right) ++wrong_;
    done.store(done.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
}

void cache_clients::stop() {
  enough_ = true;
  for (auto& thread : threads_) thread.join();
  threads_.clear();
}

std::vector<std::uint64_t> cache_clients::reads_of_each() const {
  std::vector<std::uint64_t> each;
  for (const auto& one : tallies_) each.push_back(one.reads.load(std::memory_order_relaxed));
  return each;
}

std::uint64_t cache_clients::reads() const {
  std::uint64_t sum = 0;
  for (const auto& one : tallies_) sum += one.reads.load(std::memory_order_relaxed);
  return sum;
}

} // namespace instar::bench
