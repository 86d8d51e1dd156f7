#include "every_point.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <optional>

namespace instar::test {

namespace {

/// Returns whether the orders came before the end.
bool run_once(const changed_run& r, std::size_t boundary, std::optional<std::uint64_t> seed = {}) {
  world w;
  w.plot().total = r.items;
  if (r.keys != 0) w.plot().keys = r.keys;
  if (r.plot) r.plot(w.plot());
  w.order(r.first);
  if (seed) w.shuffle(*seed);
  bool within = true;
  for (std::size_t i = 0; i < boundary && within; ++i) within = w.step();
  const auto before = w.outcomes().size();
  for (const auto& one : r.orders) w.order(one);
  w.run();
  for (std::size_t i = 0; r.waits && i <= r.orders.size(); ++i) {
    w.advance(std::chrono::seconds(6));
    w.run();
  }
  REQUIRE(w.outcomes().size() == before + r.orders.size() + (before == 0));
  for (std::size_t i = before == 0 ? 1 : before; i < w.outcomes().size(); ++i) {
    const auto& entry = w.outcomes()[i];
    INFO(entry.reason);
    if (r.outcome) r.outcome(entry);
    else CHECK(entry.outcome == transition_outcome::committed);
  }
  const auto wrong = w.check();
  CHECK_MESSAGE(!wrong, *wrong);
  CHECK(w.plot().sinks["sink"].size() == r.items - r.lost);
  if (r.at_end) r.at_end(w.plot());
  w.plot().never_ready.clear();
  w.stop();
  w.run();
  const auto left = w.check_ended();
  CHECK_MESSAGE(!left, *left);
  return within;
}

} // namespace

void run_at_every_point(const changed_run& run) {
  std::size_t boundary = 0;
  for (bool within = true; within; boundary += within) {
    INFO("at boundary ", boundary);
    within = run_once(run, boundary);
  }
  MESSAGE(boundary, " boundaries");
  CHECK(boundary > 100);
  for (std::uint64_t seed = 1; seed <= 100; ++seed) run_once(run, seed * 7 % boundary, seed);
}

} // namespace instar::test
