// Updates of operators with keyed state, started at every message boundary of a run.

#include "every_point.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace instar;
using namespace instar::test;

namespace {

constexpr auto committed = transition_outcome::committed;
constexpr auto rolled_back = transition_outcome::rolled_back;
constexpr auto refused = transition_outcome::refused;
using updates = std::vector<operator_update>;

/// `keep` of a type, which keyed state comes to in this way.
graph graph_of(const std::string& type, part_transfer transfer = part_transfer::none) {
  auto g = world::make_graph({"source -> keep -> sink"}, {{"keep", type + "@1"}});
  for (auto& op : g.operators)
    if (op.name == "keep") op.transfer = transfer;
  return g;
}
graph table_by(part_transfer transfer) { return graph_of("test.table", transfer); }

const updates forward{{"keep", "test.table", 2}}, back{{"keep", "test.table", 1}};
const updates object_forward{{"keep", "test.object", 2}}, object_back{{"keep", "test.object", 1}};

} // namespace

TEST_CASE("keyed state flows ahead of the cut, and what changes meanwhile follows") {
  run_at_every_point({.first = table_by(part_transfer::pre_copy), .orders = {forward}});
}

TEST_CASE("keyed state is fetched after the commit, by whoever asks for it or by itself") {
  run_at_every_point({.first = table_by(part_transfer::progressive), .orders = {forward}});
}

TEST_CASE("there and back") {
  for (const auto how : {part_transfer::pre_copy, part_transfer::progressive})
    run_at_every_point({.first = table_by(how), .orders = {forward, back, forward}});
}

TEST_CASE("the object itself is handed over") {
  run_at_every_point({.first = graph_of("test.object"), .orders = {object_forward, object_back}});
}

TEST_CASE("a part that cannot be taken over leaves the old version serving with all of it") {
  for (const auto how : {part_transfer::pre_copy, part_transfer::progressive})
    run_at_every_point({.first = table_by(how),
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
        {.first = table_by(how),
         .orders = {forward},
         .plot = [](script& s) { s.throws_in_restore = "test.table@2"; },
         .outcome = [](const history_entry& e) { CHECK(e.outcome == rolled_back); }});
}

TEST_CASE("an operator that throws keeps its state, also while it moves") {
  for (const auto how : {part_transfer::pre_copy, part_transfer::progressive})
    run_at_every_point({.first = table_by(how),
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
