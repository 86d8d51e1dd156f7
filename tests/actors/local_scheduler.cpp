#include "actors/local_scheduler.hpp"
#include "actors/run_queue.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <thread>
#include <vector>

using namespace instar;
using namespace std::chrono_literals;

namespace {

struct config : caf::actor_system_config {
  explicit config(std::size_t workers) {
    load<local_scheduler>();
    set("scheduler.max-threads", workers);
  }
};

/// Something to queue; never run.
caf::resumable* job(std::size_t i) { return reinterpret_cast<caf::resumable*>((i + 1) * 16); }

} // namespace

TEST_CASE("a run queue is a bounded fifo") {
  run_queue queue;
  CHECK(queue.take() == nullptr);
  for (std::size_t i = 0; i < run_queue::capacity; ++i) REQUIRE(queue.push(job(i)));
  CHECK_FALSE(queue.push(job(0)));
  CHECK(queue.size() == run_queue::capacity);
  for (std::size_t i = 0; i < run_queue::capacity - 1; ++i) REQUIRE(queue.take(2) == job(i));
  CHECK(queue.take(2) == nullptr); // the last one is its owner's
  CHECK(queue.take() == job(run_queue::capacity - 1));
  CHECK(queue.size() == 0);
}

TEST_CASE("whatever owner and thieves do, each job is taken exactly once") {
  constexpr std::size_t jobs = 200'000;
  run_queue queue;
  std::vector<std::atomic<int>> taken(jobs);
  std::atomic<bool> done = false;
  const auto take = [&](std::uint32_t least) {
    auto* one = queue.take(least);
    if (one) ++taken[reinterpret_cast<std::size_t>(one) / 16 - 1];
    return one != nullptr;
  };
  std::vector<std::thread> thieves;
  for (std::uint32_t least : {1u, 2u})
    thieves.emplace_back([&, least] {
      while (!done) take(least);
    });
  for (std::size_t i = 0; i < jobs;) {
    if (queue.push(job(i))) ++i;
    else take(1);
    if (i % 3 == 0) take(1);
  }
  while (take(1)) {
  }
  done = true;
  for (auto& t : thieves) t.join();
  std::size_t wrong = 0;
  for (const auto& times : taken) wrong += times != 1;
  CHECK(wrong == 0);
}

TEST_CASE("an actor that is left behind is run by another worker") {
  config c(2);
  caf::actor_system system(c);
  for (int round = 0; round < 200; ++round) {
    std::promise<void> second_ran;
    auto ran = second_ran.get_future();
    std::promise<bool> answer;
    auto in_time = answer.get_future();
    auto first = system.spawn([&](caf::event_based_actor* self) -> caf::behavior {
      return {[&, self](int) {
        answer.set_value(ran.wait_for(10s) == std::future_status::ready);
        self->quit();
      }};
    });
    auto second = system.spawn([&](caf::event_based_actor* self) -> caf::behavior {
      return {[&, self](int) {
        second_ran.set_value();
        self->quit();
      }};
    });
    system.spawn([first, second](caf::event_based_actor* self) {
      self->send(first, 1); // the same worker runs it next, and is busy until the second has run
      self->send(second, 1);
    });
    REQUIRE(in_time.get());
    caf::anon_send_exit(first, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(second, caf::exit_reason::user_shutdown);
    system.await_all_actors_done();
  }
}

TEST_CASE("those who are told all at once run, although nobody is woken for each") {
  for (std::size_t workers : {1u, 2u, 4u}) {
    config c(workers);
    caf::actor_system system(c);
    std::vector<caf::actor> all;
    std::atomic<int> ran = 0;
    std::promise<void> last;
    for (int i = 0; i < 8; ++i)
      all.push_back(system.spawn([&](caf::event_based_actor* self) -> caf::behavior {
        return {[&, self](int of) {
          if (++ran == of) last.set_value();
          self->quit();
        }};
      }));
    std::this_thread::sleep_for(30ms); // all workers sleep, and none watches
    {
      const local_scheduler::all_at_once outer(system);
      {
        const local_scheduler::all_at_once inner(system);
        for (const auto& a : all) caf::anon_send(a, static_cast<int>(all.size()));
      }
    }
    CHECK(last.get_future().wait_for(10s) == std::future_status::ready);
  }
}

TEST_CASE("actors that keep a worker busy for ever do not keep out the others") {
  config c(1);
  caf::actor_system system(c);
  const auto echo = [](caf::event_based_actor* self) -> caf::behavior {
    return {[self](const caf::actor& other) { self->send(other, caf::actor(self)); }};
  };
  auto ping = system.spawn(echo), pong = system.spawn(echo);
  caf::anon_send(ping, pong);
  std::promise<void> answered;
  auto third = system.spawn([&](caf::event_based_actor* self) -> caf::behavior {
    return {[&, self](int) {
      answered.set_value();
      self->quit();
    }};
  });
  caf::anon_send(third, 1);
  CHECK(answered.get_future().wait_for(10s) == std::future_status::ready);
  caf::anon_send_exit(ping, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(pong, caf::exit_reason::user_shutdown);
}

TEST_CASE("every message arrives, whoever sends it") {
  for (std::size_t workers : {1u, 2u, 4u}) {
    config c(workers);
    caf::actor_system system(c);
    std::atomic<int> arrived = 0;
    std::vector<caf::actor> all;
    for (int i = 0; i < 300; ++i) // more than a run queue holds
      all.push_back(system.spawn([&](caf::event_based_actor* self) -> caf::behavior {
        return {[&, self](int hops) {
          ++arrived;
          const auto next = static_cast<std::size_t>(self->id() * 7 + 13u * unsigned(hops));
          if (hops > 0) self->send(all[next % all.size()], hops - 1);
        }};
      }));
    std::vector<std::thread> senders;
    for (int s = 0; s < 3; ++s)
      senders.emplace_back([&] {
        for (const auto& a : all) caf::anon_send(a, 20);
      });
    for (auto& s : senders) s.join();
    for (int tries = 0; tries < 2000 && arrived < 3 * 300 * 21; ++tries)
      std::this_thread::sleep_for(5ms);
    CHECK(arrived == 3 * 300 * 21);
    for (const auto& a : all) caf::anon_send_exit(a, caf::exit_reason::user_shutdown);
    system.await_all_actors_done();
    all.clear();
  }
}

TEST_CASE("a system ends while its workers sleep, and with work left") {
  for (int i = 0; i < 50; ++i) {
    config c(2);
    caf::actor_system system(c);
    auto one = system.spawn([](caf::event_based_actor*) -> caf::behavior { return {[](int) {}}; });
    if (i % 2)
      for (int n = 0; n < 10; ++n) caf::anon_send(one, n);
    caf::anon_send_exit(one, caf::exit_reason::user_shutdown);
  }
}
