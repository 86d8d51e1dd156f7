#include "actors/local_clock.hpp"

#include <caf/actor_control_block.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/mailbox_element.hpp>
#include <caf/scoped_actor.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <thread>

using namespace instar;
using namespace std::chrono_literals;

namespace {

struct running_clock {
  ~running_clock() { stop(); }
  void stop() {
    clock.end();
    if (thread.joinable()) thread.join();
  }
  void send(std::chrono::milliseconds after, const caf::strong_actor_ptr& to, int what) {
    clock.schedule_message(
        clock.now() + after, to,
        caf::make_mailbox_element(nullptr, caf::make_message_id(), caf::no_stages, what));
  }

  local_clock clock;
  std::thread thread{[this] { clock.run(); }};
};

} // namespace

TEST_CASE("messages come when they are due, whenever they were asked for") {
  caf::actor_system_config config;
  caf::actor_system system(config);
  const caf::scoped_actor self(system);
  const auto to = caf::actor_cast<caf::strong_actor_ptr>(self);
  running_clock c;
  const auto began = std::chrono::steady_clock::now();
  c.send(60ms, to, 3); // the clock sleeps until then
  std::this_thread::sleep_for(5ms);
  c.send(20ms, to, 1); // earlier: it is woken
  c.send(40ms, to, 2); // later
  for (int expected : {1, 2, 3})
    self->receive([&](int got) {
      CHECK(got == expected);
      CHECK(std::chrono::steady_clock::now() - began >= expected * 20ms);
    });
  c.send(-1ms, to, 4);
  self->receive([&](int got) { CHECK(got == 4); });
}

TEST_CASE("with the clock ends what is not due yet, and keeps nobody alive") {
  caf::actor_system_config config;
  caf::actor_system system(config);
  caf::weak_actor_ptr seen;
  running_clock c;
  {
    auto made = system.spawn([](caf::event_based_actor*) -> caf::behavior { return [](int) {}; });
    seen = caf::actor_cast<caf::weak_actor_ptr>(made);
    c.send(1h, caf::actor_cast<caf::strong_actor_ptr>(made), 1);
    caf::anon_send_exit(made, caf::exit_reason::user_shutdown);
  }
  const auto gone = [&] {
    for (int i = 0; i < 200 && seen.lock(); ++i) std::this_thread::sleep_for(5ms);
    return !seen.lock();
  };
  c.stop();
  CHECK(gone());
  const caf::scoped_actor self(system);
  const auto to = caf::actor_cast<caf::strong_actor_ptr>(self);
  const auto before = to->strong_refs.load();
  c.send(1h, to, 1); // after the end
  CHECK(to->strong_refs.load() == before);
}
