#include "services/site.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <thread>
#include <vector>

using namespace instar;
using namespace instar::test;

namespace {

/// What must not grow with the number of updates.
struct footprint {
  std::size_t mappings = 0, descriptors = 0, threads = 0;
};

std::size_t entries(const char* folder) {
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

footprint measure() {
  footprint now;
  std::ifstream maps("/proc/self/maps");
  now.mappings = static_cast<std::size_t>(
      std::count(std::istreambuf_iterator<char>(maps), std::istreambuf_iterator<char>(), '\n'));
  now.descriptors = entries("/proc/self/fd");
  now.threads = entries("/proc/self/task");
  return now;
}

std::size_t resident_pages() {
  std::size_t total = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident;
}

std::size_t median(std::vector<std::size_t> of) {
  std::sort(of.begin(), of.end());
  return of[of.size() / 2];
}

/// Clients on one connection each, asking and checking until they are told to stop. They can be
/// made to pause, so that what is measured is the service at rest.
class load {
public:
  explicit load(const site& of) {
    for (int i = 0; i < 4; ++i) clients_.emplace_back([this, &of] { run(of); });
  }
  void finish() {
    stop_ = true;
    for (auto& c : clients_) c.join();
  }
  void pause() {
    paused_ = true;
    while (resting_ < clients_.size()) std::this_thread::sleep_for(1ms);
  }
  void resume() { paused_ = false; }

  std::atomic<std::size_t> answered = 0, wrong = 0;

private:
  void run(const site& of) {
    const auto expected = pattern(2'000);
    const auto one = of.dial(); // once: established connections survive
    std::string ahead;
    while (!stop_) {
      if (paused_) {
        ++resting_;
        while (paused_) std::this_thread::sleep_for(1ms);
        --resting_;
      }
      one.send(get("/small"));
      if (body_of(receive(one, ahead)) != expected) ++wrong;
      ++answered;
    }
  }

  std::atomic<bool> stop_ = false, paused_ = false;
  std::atomic<std::size_t> resting_ = 0;
  std::vector<std::thread> clients_;
};

} // namespace

TEST_CASE(
    "10,000 updates under load leave mappings, descriptors, threads and memory as they were") {
  site s;
  load clients(s);
  std::map<std::uint32_t, footprint> after; // by number of updates
  std::vector<std::size_t> resident;        // after each update, under load
  std::size_t replaced = 0;
  for (std::uint32_t i = 1; i <= 10'000; ++i) {
    const auto version = i % 2 + 1;
    const auto done =
        i % 4 == 0 ? s.replace_all(version, static_cast<int>(i / 4 % 2)) : s.switch_to(version);
    REQUIRE_MESSAGE(done.outcome == transition_outcome::committed, done.reason);
    replaced += i % 4 == 0 ? 5 : 2;
    resident.push_back(resident_pages());
    if (i != 50 && i != 2'000 && i != 10'000) continue;
    clients.pause();
    after[i] = measure();
    clients.resume();
    CHECK(after[i].mappings <= after[50].mappings + 2); // an allocator's arena may come or go
    CHECK(after[i].descriptors == after[50].descriptors);
    CHECK(after[i].threads == after[50].threads);
  }
  // Medians: what the allocator holds varies, and takes its time to settle.
  const auto pages = [&](std::size_t from, std::size_t to) {
    const auto at = [&](std::size_t i) {
      return resident.begin() + static_cast<std::ptrdiff_t>(i);
    };
    return static_cast<double>(median({at(from), at(to)}));
  };
  const auto early = pages(4'000, 5'000), late = pages(9'000, 10'000);
  MESSAGE(early << " pages resident from the 4,000th to the 5,000th update, " << late
                << " from the 9,000th to the 10,000th");
  CHECK(late <= early * 1.03);
  clients.finish();
  CHECK(clients.wrong == 0);
  CHECK(clients.answered > 1000);
  const auto status = s.status();
  CHECK(status.modules_stuck == 0);
  CHECK(status.modules_unloaded > 5000);
  MESSAGE(replaced << " operators replaced, " << clients.answered.load() << " requests answered");
}
