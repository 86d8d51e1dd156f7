#include "idle_costs.hpp"

#include "calls.hpp"

#include "bench/pipeline/meter.hpp"

#include "services/counter/handle.hpp"
#include "services/counter/partitioned.hpp"
#include "services/counter/shared.hpp"

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <thread>

namespace instar::bench {

namespace {

using counting::handle;
using counting::object;
using counting::partitioned_number;
using counting::shared_number;

void by_handle(std::uint64_t rounds) {
  call_ports ports;
  partitioned_number number;
  handle mine(ports, "it");
  ports.port<object>("it")->open(&number, static_cast<object*>(&number));
  for (std::uint64_t i = 0; i < rounds; ++i) mine.add();
}

/// Through the interface, too: the object may be any.
void direct(std::uint64_t rounds) {
  const auto number = std::make_unique<partitioned_number>();
  call_slot mine;
  object* volatile any = number.get();
  for (std::uint64_t i = 0; i < rounds; ++i) any->add(mine, 1);
}

void swap(const std::string& modules, std::uint64_t rounds) {
  called_service running(modules, "it = { type = 'counter.shared@1', observe_every = '1h' }\n", 1);
  for (std::uint64_t i = 0; i < rounds; ++i) {
    const auto began = now_ns();
    running.begin_exchange(i % 2 == 0 ? "counter.partitioned" : "counter.shared");
    sample("swap_idle_ms", static_cast<double>(running.exchanged() - began) / 1e6);
  }
}

/// The next object is there before, as in a transition.
void exchange(std::uint64_t rounds) {
  call_ports ports;
  const auto at = ports.port<object>("it");
  shared_number numbers[2];
  at->open(&numbers[0], static_cast<object*>(&numbers[0]));
  for (std::uint64_t i = 0; i < rounds; ++i) {
    auto& former = numbers[i % 2];
    auto& next = numbers[1 - i % 2];
    at->close(&former);
    next.begin_at(former.sum());
    at->open(&next, static_cast<object*>(&next));
  }
}

/// The port is closed until the call waits.
void mediated(std::uint64_t rounds) {
  call_ports ports;
  const auto at = ports.port<object>("it");
  shared_number number;
  at->open(&number, static_cast<object*>(&number));
  std::atomic<std::uint64_t> turn{0}; // even: the port is to be closed; odd: the call may come
  std::thread caller_thread([&] {
    handle mine(ports, "it");
    for (std::uint64_t i = 0; i < rounds; ++i) {
      turn.wait(2 * i);
      if (!mediated_call(&mine)) throw std::runtime_error("nobody serves");
      turn = 2 * i + 2;
      turn.notify_all();
    }
  });
  for (std::uint64_t i = 0; i < rounds; ++i) {
    at->close(&number);
    turn = 2 * i + 1;
    turn.notify_all();
    while (at->waiting() == 0) std::this_thread::sleep_for(std::chrono::microseconds(50));
    std::this_thread::sleep_for(std::chrono::microseconds(50)); // it sleeps
    at->open(&number, static_cast<object*>(&number));
    turn.wait(2 * i + 1);
  }
  caller_thread.join();
  if (number.sum() != rounds) throw std::runtime_error("a call was lost");
}

} // namespace

[[gnu::noinline]] bool mediated_call(void* by) { return static_cast<handle*>(by)->add(); }

void do_idle(std::string_view what, const std::string& modules, std::uint64_t rounds) {
  // A tenth as many go before those that are measured: all of them are `rounds`.
  const auto measured = rounds * 10 / 11;
  if (what == "operators") measure_instar(question::throughput, measured, 1);
  else if (what == "actors") measure_raw_caf({"local", 1}, question::throughput, measured);
  else if (what == "handle") by_handle(rounds);
  else if (what == "direct") direct(rounds);
  else if (what == "swap") swap(modules, rounds);
  else if (what == "exchange") exchange(rounds);
  else if (what == "mediated") mediated(rounds);
  else throw std::runtime_error("there is no '" + std::string(what) + "' to be done");
}

} // namespace instar::bench
