// Updates of operators with keyed state, started at every message boundary of a run.

#include "protocol_world.hpp"

#include <doctest/doctest.h>

#include <functional>

using namespace instar;
using namespace instar::test;

namespace {

constexpr auto committed = transition_outcome::committed;
constexpr auto rolled_back = transition_outcome::rolled_back;
constexpr auto refused = transition_outcome::refused;
using updates = std::vector<operator_update>;

struct run {
  std::string type = "test.table";
  part_transfer transfer = part_transfer::none;
  std::vector<updates> orders;
  std::uint64_t total = 60;
  std::function<void(script&)> plot = {};
  std::function<void(const history_entry&)> outcome = {};
  std::size_t lost = 0; ///< items that somebody threw at
};

graph graph_of(const run& r) {
  auto g = world::make_graph({"source -> keep -> sink"}, {{"keep", r.type + "@1"}});
  for (auto& op : g.operators)
    if (op.name == "keep") op.transfer = r.transfer;
  return g;
}

/// Orders its changes after so many messages; returns whether that was before the end.
bool run_once(const run& r, std::size_t boundary, std::optional<std::uint64_t> seed = {}) {
  world w;
  w.plot().total = r.total;
  if (r.plot) r.plot(w.plot());
  w.order(graph_of(r));
  if (seed) w.shuffle(*seed);
  bool within = true;
  for (std::size_t i = 0; i < boundary && within; ++i) within = w.step();
  const auto before = w.outcomes().size();
  for (const auto& one : r.orders) w.order(one);
  w.run();
  REQUIRE(w.outcomes().size() == before + r.orders.size() + (before == 0));
  for (std::size_t i = before == 0 ? 1 : before; i < w.outcomes().size(); ++i) {
    const auto& entry = w.outcomes()[i];
    INFO(entry.reason);
    if (r.outcome) r.outcome(entry);
    else CHECK(entry.outcome == committed);
  }
  const auto wrong = w.check();
  CHECK_MESSAGE(!wrong, *wrong);
  CHECK(w.plot().sinks["sink"].size() == r.total - r.lost);
  w.stop();
  w.run();
  const auto left = w.check_ended();
  CHECK_MESSAGE(!left, *left);
  return within;
}

void run_at_every_point(const run& r) {
  std::size_t boundary = 0;
  for (; run_once(r, boundary); ++boundary) {
    INFO("at boundary ", boundary);
  }
  MESSAGE(boundary, " boundaries");
  CHECK(boundary > 100);
  for (std::uint64_t seed = 1; seed <= 100; ++seed) run_once(r, seed * 7 % boundary, seed);
}

const updates forward{{"keep", "test.table", 2}}, back{{"keep", "test.table", 1}};
const updates object_forward{{"keep", "test.object", 2}}, object_back{{"keep", "test.object", 1}};

} // namespace

TEST_CASE("keyed state flows ahead of the cut, and what changes meanwhile follows") {
  run_at_every_point({.transfer = part_transfer::pre_copy, .orders = {forward}});
}

TEST_CASE("keyed state is fetched after the commit, by whoever asks for it or by itself") {
  run_at_every_point({.transfer = part_transfer::progressive, .orders = {forward}});
}

TEST_CASE("there and back") {
  for (const auto how : {part_transfer::pre_copy, part_transfer::progressive})
    run_at_every_point({.transfer = how, .orders = {forward, back, forward}});
}

TEST_CASE("the object itself is handed over") {
  run_at_every_point({.type = "test.object", .orders = {object_forward, object_back}});
}

TEST_CASE("a part that cannot be taken over leaves the old version serving with all of it") {
  for (const auto how : {part_transfer::pre_copy, part_transfer::progressive})
    run_at_every_point({.transfer = how,
                        .orders = {forward},
                        .plot = [](script& s) { s.throws_at_key = 123; },
                        .outcome =
                            [](const history_entry& e) {
                              if (e.outcome == committed) return; // it was gone by then
                              CHECK(e.outcome == refused);
                              CHECK(e.reason.find("told to fail on a key") != std::string::npos);
                            }});
}

TEST_CASE("a cut that fails after the state has flowed takes it all back") {
  for (const auto how : {part_transfer::pre_copy, part_transfer::progressive})
    run_at_every_point(
        {.transfer = how,
         .orders = {forward},
         .plot = [](script& s) { s.throws_in_restore = "test.table@2"; },
         .outcome = [](const history_entry& e) { CHECK(e.outcome == rolled_back); }});
}

TEST_CASE("an operator that throws keeps its state, also while it moves") {
  for (const auto how : {part_transfer::pre_copy, part_transfer::progressive})
    run_at_every_point({.transfer = how,
                        .orders = {forward},
                        .plot =
                            [](script& s) {
                              s.throws_on_packet = "keep";
                              s.throws_at = 30;
                            },
                        .outcome =
                            [](const history_entry& e) {
                              if (e.outcome == committed) return;
                              CHECK(e.reason.find("was restarted") != std::string::npos);
                            },
                        .lost = 1});
}
