#include "counter_phases.hpp"

#include "calls.hpp"

#include "services/counter/handle.hpp"

#include <atomic>
#include <barrier>
#include <stdexcept>
#include <thread>
#include <vector>

namespace instar::bench {

namespace {

std::string operators_of(counter_run kind) {
  const std::string counter = std::string("it = { type = 'counter.") +
                              (kind == counter_run::shared ? "shared" : "partitioned") +
                              "@1', observe_every = '1ms' }\n";
  if (kind != counter_run::policy) return counter;
  // Who mostly reads wants the shared one; who adds and gets in each other's way the partitioned.
  const auto own = [](const char* name) {
    return std::string("own(it, instar_counter_") + name + "_total)";
  };
  const auto updates_share = own("updates") + " / (" + own("updates") + " + " + own("reads") + ")";
  return counter + "[operators.choose]\ntype = 'instar.policy@1'\nwhen = '" + updates_share +
         " < 20%'\nfor = '0s'\nupdate = 'it=counter.shared@1'\nback_when = '" + own("contended") +
         " / " + own("updates") + " > 20% and " + updates_share +
         " > 60%'\nback_update = 'it=counter.partitioned@1'\nevery = '1ms'\nwindow = '5ms'\n" +
         "cool_down = '0s'\nper_hour = 1000\n";
}

/// When all threads had come to each of three points.
struct moments {
  std::uint64_t began = 0, between = 0, ended = 0;
  int passed = 0;
};

} // namespace

phase_times run_phases(const std::string& modules, counter_run kind, unsigned threads,
                       std::uint64_t operations) {
  called_service running(modules, operators_of(kind));
  running.await<counting::object>();
  moments at;
  const auto all_there = [&]() noexcept {
    const auto now = now_ns();
    switch (at.passed++) {
    case 0:
      at.began = now;
      return;
    case 1:
      at.between = now;
      if (kind == counter_run::swapped) running.begin_exchange("counter.shared");
      return;
    default:
      at.ended = now;
    }
  };
  std::barrier meet(static_cast<std::ptrdiff_t>(threads), all_there);
  std::atomic<std::uint64_t> unserved{0}, read{0};
  std::vector<std::thread> all;
  for (unsigned i = 0; i < threads; ++i)
    all.emplace_back([&] {
      counting::handle mine(running.calls(), "it");
      std::uint64_t missed = 0, sum = 0;
      meet.arrive_and_wait();
      for (std::uint64_t n = 0; n < operations; ++n) missed += !mine.add();
      meet.arrive_and_wait();
      for (std::uint64_t n = 0; n < operations; ++n) sum += mine.value().value_or(0);
      meet.arrive_and_wait();
      unserved += missed;
      read += sum;
    });
  for (auto& thread : all) thread.join();
  phase_times took{static_cast<double>(at.between - at.began) / 1e6,
                   static_cast<double>(at.ended - at.between) / 1e6, 0};
  if (kind == counter_run::swapped)
    took.exchanged_after_ms = static_cast<double>(running.exchanged() - at.between) / 1e6;
  const auto added = threads * operations;
  if (unserved > 0 || counting::handle(running.calls(), "it").value() != added ||
      read != added * added)
    throw std::runtime_error("the counter does not stand at what was added");
  if (kind == counter_run::policy && running.exchanges() == 0)
    throw std::runtime_error("the policy has not exchanged the counter");
  return took;
}

} // namespace instar::bench
