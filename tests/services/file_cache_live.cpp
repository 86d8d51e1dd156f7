// The real modules in a real service: a file cache is exchanged while threads read through it.
#include "services/cache/reader.hpp"
#include "services/call_world.hpp"
#include "services/live_calls.hpp"
#include "services/made_files.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

using namespace instar;
using namespace instar::file_cache;
using test::eventually;
using test::helper;
using test::live_calls;
using test::made_files;

namespace {

constexpr std::size_t file_count = 8, file_size = 40 * 4096 + 100;
constexpr std::uint64_t page_count = file_count * 41;

/// Threads that read at random, and compare every byte.
class crowd {
public:
  crowd(call_ports& at, const made_files& files, int size) {
    for (int i = 0; i < size; ++i)
      all_.push_back(std::make_unique<helper>([this, &at, &files, i] { work(at, files, i); }));
  }
  ~crowd() { stop(); }
  void stop() {
    enough_ = true;
    all_.clear();
  }
  std::uint64_t wrong() const { return wrong_; }
  std::uint64_t reads() const { return reads_; }

private:
  void work(call_ports& at, const made_files& files, int seed) {
    reader mine(at, "it");
    std::mt19937_64 random(static_cast<std::uint64_t>(seed));
    std::vector<std::byte> into(600);
    while (!enough_) {
      const auto file = random() % file_count;
      const auto offset = random() % (file_size - into.size());
      const auto got = mine.read(files[file], offset, into);
      if (!got || *got != into.size() || !made_files::right(file, offset, into)) ++wrong_;
      ++reads_;
    }
  }

  std::atomic<bool> enough_{false};
  std::atomic<std::uint64_t> wrong_{0}, reads_{0};
  std::vector<std::unique_ptr<helper>> all_;
};

/// How often the cache had not got a page, by its own counting; callers see the port.
std::uint64_t misses(call_ports& at) { return at.port<object>("it")->counted(object::misses); }

} // namespace

TEST_CASE("a cache that is exchanged under 12 readers loses no page and shows no wrong byte") {
  live_calls s("cache.simple@1");
  const made_files files(std::vector<std::size_t>(file_count, file_size));
  auto mine = s.handle_of<reader>();
  std::vector<std::byte> whole(file_size);
  for (std::size_t i = 0; i < file_count; ++i) {
    REQUIRE(mine.read(files[i], 0, whole).value() == file_size);
    CHECK(made_files::right(i, 0, whole));
  }
  CHECK(misses(s.calls()) == page_count);
  crowd readers(s.calls(), files, 12);
  for (int round = 0; round < 40; ++round) {
    const auto outcome = s.update(round % 2 == 0 ? "cache.partitioned" : "cache.simple");
    REQUIRE_MESSAGE(outcome.outcome == transition_outcome::committed, outcome.reason);
    const auto before = readers.reads();
    CHECK(eventually([&] { return readers.reads() > before + 20; }));
  }
  readers.stop();
  CHECK(readers.wrong() == 0);
  CHECK(misses(s.calls()) == page_count);
}

TEST_CASE("a cache too small for its readers is exchanged as well, and shows no wrong byte") {
  live_calls s("cache.partitioned@1", ", capacity = '400KiB'");
  const made_files files(std::vector<std::size_t>(file_count, file_size));
  crowd readers(s.calls(), files, 4);
  for (int round = 0; round < 20; ++round) {
    const auto outcome = s.update(round % 2 == 0 ? "cache.simple" : "cache.partitioned");
    REQUIRE_MESSAGE(outcome.outcome == transition_outcome::committed, outcome.reason);
    const auto before = readers.reads();
    CHECK(eventually([&] { return readers.reads() > before + 20; }));
  }
  readers.stop();
  CHECK(readers.wrong() == 0);
  CHECK(misses(s.calls()) > page_count); // pages had to go
}
