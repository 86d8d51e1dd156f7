#include "services/call_world.hpp"
#include "services/counter/handle.hpp"
#include "services/counter/partitioned.hpp"
#include "services/counter/shared.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

using namespace instar;
using namespace instar::counting;
using namespace std::chrono_literals;
using test::call_world;
using test::eventually;
using test::helper;

TEST_CASE_TEMPLATE("a counter counts what its callers add, each of them", Operator, partitioned,
                   shared) {
  call_world w;
  handle early(w.ports, "here");
  CHECK_FALSE(early.add());
  CHECK_FALSE(early.value());
  auto op = w.started<Operator>();
  handle other(w.ports, "here");
  for (int i = 0; i < 10; ++i) {
    CHECK(early.add());
    CHECK(other.add(100));
  }
  CHECK(early.value() == 1010);
  CHECK(other.value() == 1010);
  {
    handle third(w.ports, "here");
    CHECK(third.add(5));
  }
  handle fourth(w.ports, "here"); // in the place of the third
  CHECK(fourth.value() == 1015);
  CHECK(fourth.add());
  CHECK(early.value() == 1016);
  op.reset();
  CHECK_FALSE(early.add());
}

TEST_CASE_TEMPLATE("threads that add at the same time lose nothing", Operator, partitioned,
                   shared) {
  constexpr std::uint64_t threads = 4, each = 200'000;
  call_world w;
  auto op = w.started<Operator>();
  {
    std::vector<std::unique_ptr<helper>> all;
    for (std::uint64_t i = 0; i < threads; ++i)
      all.push_back(std::make_unique<helper>([&] {
        handle mine(w.ports, "here");
        for (std::uint64_t n = 0; n < each; ++n) mine.add();
      }));
  }
  handle from(w.ports, "here");
  CHECK(from.value() == threads * each);
}

namespace {

/// From one to the other and back, with calls in between.
template <class First, class Second>
void hand_over_twice(bool as_object) {
  call_world w;
  handle from(w.ports, "here");
  auto go = [&](auto old, auto next) {
    using old_type = typename decltype(old)::element_type;
    auto& to = *next;
    if (as_object) w.give(std::move(old), to);
    else w.save(std::move(old), old_type::type, to);
    return next;
  };
  auto first = w.started<First>();
  from.add(7);
  auto second = go(std::move(first), w.made<Second>());
  CHECK(from.value() == 7);
  from.add(10);
  auto third = go(std::move(second), w.made<First>());
  CHECK(from.value() == 17);
  from.add(100);
  CHECK(from.value() == 117);
}

} // namespace

TEST_CASE("each implementation takes over from the other, and from itself") {
  for (const bool as_object : {true, false}) {
    CAPTURE(as_object);
    hand_over_twice<partitioned, shared>(as_object);
    hand_over_twice<shared, partitioned>(as_object);
    hand_over_twice<shared, shared>(as_object);
    hand_over_twice<partitioned, partitioned>(as_object);
  }
}

TEST_CASE_TEMPLATE("what was saved for a successor changes no more, until there is none after all",
                   Operator, partitioned, shared) {
  call_world w;
  auto op = w.started<Operator>();
  handle before(w.ports, "here");
  before.add(5);
  REQUIRE_FALSE(op->not_yet(w.ctx, cut_purpose::hand_over));
  state_writer into({std::string(Operator::type.name), 1, Operator::type.state_schema, 1});
  op->save(into);
  const auto saved = into.finish();
  CHECK(state_reader(saved).template root<CounterState>().getValue() == 5);
  helper adds([&] {
    handle mine(w.ports, "here");
    CHECK(mine.add(2));
  });
  std::this_thread::sleep_for(20ms);
  CHECK_FALSE(adds.done());
  // A rollback: the instance goes on, and its timers with it.
  w.let_timers_run_out(*op);
  CHECK(eventually([&] { return adds.done(); }));
  CHECK(before.value() == 7);
}

TEST_CASE_TEMPLATE("a checkpoint holds up no call", Operator, partitioned, shared) {
  call_world w;
  auto op = w.started<Operator>();
  handle from(w.ports, "here");
  from.add(5);
  state_writer into({std::string(Operator::type.name), 1, Operator::type.state_schema, 1},
                    save_purpose::checkpoint);
  op->save(into);
  CHECK(from.add(1));
  const auto saved = into.finish();
  CHECK(state_reader(saved).template root<CounterState>().getValue() == 5);
}

TEST_CASE(
    "a call that does not return keeps a counter from its cut, and nobody else from calling") {
  call_world w;
  auto op = w.started<shared>();
  std::atomic<bool> inside{false}, may_return{false};
  helper slow([&] {
    caller<object> mine(w.ports.port<object>("here"));
    mine.call([&](object&, call_slot&) {
      inside = true;
      while (!may_return) std::this_thread::sleep_for(1ms);
    });
  });
  REQUIRE(eventually([&] { return inside.load(); }));
  handle other(w.ports, "here");
  CHECK(op->not_yet(w.ctx, cut_purpose::hand_over) == "a call at its port 'here' has not returned");
  CHECK(other.add());
  w.let_timers_run_out(*op);
  CHECK(op->not_yet(w.ctx, cut_purpose::hand_over).has_value());
  CHECK(other.add());
  may_return = true;
  CHECK(eventually([&] { return slow.done(); }));
  CHECK_FALSE(op->not_yet(w.ctx, cut_purpose::hand_over));
  CHECK(other.value() == 2);
}

TEST_CASE("metrics of a counter go on in its successor") {
  call_world w;
  auto op = w.started<shared>();
  handle a(w.ports, "here"), b(w.ports, "here");
  for (int i = 0; i < 10; ++i) {
    a.add();
    b.add();
  }
  a.value();
  w.let_timers_run_out(*op);
  CHECK(w.metric("instar_counter_updates_total") == 20);
  CHECK(w.metric("instar_counter_reads_total") == 1);
  CHECK(w.metric("instar_counter_contended_total") == 19); // all but the first
  auto next = w.made<partitioned>();
  w.give(std::move(op), *next);
  CHECK(w.metric("instar_counter_updates_total") == 20);
  a.add();
  a.add();
  w.let_timers_run_out(*next);
  CHECK(w.metric("instar_counter_updates_total") == 22);
  CHECK(w.metric("instar_counter_contended_total") == 19);
}

TEST_CASE("one caller alone is never contended") {
  call_world w;
  auto op = w.started<shared>();
  handle a(w.ports, "here");
  for (int i = 0; i < 100; ++i) a.add(3);
  w.let_timers_run_out(*op);
  CHECK(w.metric("instar_counter_contended_total") == 0);
}
