// Where ways end, what is under way has to be out before the next transition.
#include "lifecycle/flush.hpp"

#include "protocol_world.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

using namespace instar;
using namespace instar::test;

namespace {

using arcs = std::vector<std::pair<std::size_t, std::size_t>>;
using numbers = std::set<std::size_t>;

/// The operators that are to be flushed if the arcs `ends` end.
numbers flushed(std::size_t operators, const arcs& between, const numbers& ends,
                const numbers& splits = {}, const numbers& ceases = {}) {
  flush_query q{operators, between, {}, {}, {}};
  for (std::size_t a = 0; a < between.size(); ++a) q.ends.push_back(ends.count(a) > 0);
  for (std::size_t i = 0; i < operators; ++i) {
    q.splits.push_back(splits.count(i) > 0);
    q.ceases.push_back(ceases.count(i) > 0);
  }
  const auto found = find_flush(q);
  numbers all;
  for (std::size_t i = 0; i < operators; ++i)
    if (found[i]) all.insert(i);
  return all;
}

/// The removed arcs that end a way, by name.
std::set<std::string> ended(const std::vector<std::string>& before,
                            const std::vector<std::string>& after) {
  const auto from = world::make_graph(before), to = world::make_graph(after);
  const auto plan = difference(from, to, trace_lineage(from, to));
  const auto ends = find_ended_ways(plan);
  std::set<std::string> names;
  for (std::size_t i = 0; i < ends.size(); ++i)
    if (ends[i]) names.insert(plan.arcs[i].arc.from + "-" + plan.arcs[i].arc.to);
  return names;
}

using updates = std::vector<operator_update>;

/// Both orders at once after so many messages; returns whether the run was that long.
bool keeps_requests_whole(const graph& first, const graph& second, const updates& third,
                          std::size_t at, std::uint64_t seed) {
  world w;
  w.plot().total = 24;
  if (seed != 0) w.shuffle(seed);
  w.order(first);
  std::size_t done = 0;
  while (done < at && w.step()) ++done;
  w.order(second);
  w.order(third);
  w.run();
  REQUIRE(w.outcomes().size() == 3);
  for (const auto& o : w.outcomes())
    CHECK_MESSAGE(o.outcome == transition_outcome::committed, o.reason);
  CHECK(w.check().value_or("") == "");
  w.stop();
  w.run();
  CHECK(w.check_ended().value_or("") == "");
  return done == at;
}

void check_at_every_message(const std::vector<std::string>& first,
                            const std::vector<std::string>& second, const updates& third,
                            const std::map<std::string, std::string>& types = {}) {
  const auto from = world::make_graph(first, types), to = world::make_graph(second, types);
  for (std::size_t at = 0;; ++at) {
    CAPTURE(at);
    if (!keeps_requests_whole(from, to, third, at, 0)) break;
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
      CAPTURE(seed);
      keeps_requests_whole(from, to, third, at, seed);
    }
  }
}

} // namespace

TEST_CASE(
    "what is below an end is flushed, and what is below where its packets parted from others") {
  const arcs line{{0, 1}, {1, 2}, {2, 3}};
  CHECK(flushed(4, line, {1}) == numbers{2, 3});
  CHECK(flushed(4, line, {1}, {0}) == numbers{1, 2, 3}); // 0 splits
  CHECK(flushed(4, line, {1}, {2}) == numbers{2, 3});
  CHECK(flushed(4, line, {}, {1}, {1}) == numbers{2, 3}); // ceases to
  CHECK(flushed(4, line, {}) == numbers{});
  const arcs fork{{0, 1}, {1, 2}, {1, 3}, {3, 4}, {5, 3}};
  CHECK(flushed(6, fork, {1}) == numbers{2, 3, 4});
  CHECK(flushed(6, fork, {3}) == numbers{2, 3, 4});
  CHECK(flushed(6, fork, {4}) == numbers{3, 4}); // nothing of 5 goes elsewhere
}

TEST_CASE("a way goes on through operators that are put on it, and where one is taken off") {
  CHECK(ended({"source -> a -> sink"}, {"source -> a -> n -> sink"}).empty());
  CHECK(ended({"source -> a -> sink"}, {"source -> n -> m -> a -> sink"}).empty());
  CHECK(ended({"source -> a -> n -> sink"}, {"source -> a -> sink"}).empty());
  CHECK(ended({"source -> a -> sink"}, {"source -> sink"}).empty());
  using names = std::set<std::string>;
  CHECK(ended({"source -> a -> sink", "source -> sink2"}, {"source -> a", "source -> sink2"}) ==
        names{"a-sink"});
  CHECK(ended({"source -> a -> b -> sink"}, {"source -> sink"}) ==
        names{"source-a", "a-b", "b-sink"});
  CHECK(ended({"source -> a -> sink", "source -> b -> sink"}, {"source -> c -> sink"}) ==
        names{"source-a", "a-sink", "source-b", "b-sink"});
  CHECK(ended({"source -> a -> sink", "a -> sink2"}, {"source -> sink", "source -> sink2"}) ==
        names{"source-a", "a-sink", "a-sink2"});
}

TEST_CASE("what parted where no way leads any more meets the next transition whole") {
  const updates both{{"sink", "test.sink", 2}, {"sink2", "test.sink", 2}};
  check_at_every_message({"source -> a -> b -> sink", "source -> sink2", "source2 -> b"},
                         {"source -> a", "source2 -> b -> sink", "source -> sink2"}, both);
  // Further up, and through what is taken away.
  check_at_every_message({"source -> a -> b -> c -> sink", "a -> sink2", "source2 -> c"},
                         {"source -> a -> sink2", "source2 -> c -> sink"}, both);
}

TEST_CASE("what a former operator had split meets the next transition whole") {
  const std::map<std::string, std::string> types{{"many", "test.burst@1"}};
  check_at_every_message({"source -> many -> a -> sink", "source2 -> a"},
                         {"source -> sink3", "source2 -> a -> sink"}, {{"sink", "test.sink", 2}},
                         types);
}

TEST_CASE("what does not leave by the deadline is named, and nobody waits for it any longer") {
  std::size_t late = 0;
  for (std::size_t at = 0; at < 120; ++at)
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
      CAPTURE(at);
      CAPTURE(seed);
      world w;
      w.shuffle(seed);
      w.order(world::make_graph({"source -> a -> b -> sink", "source -> sink2", "source2 -> b"}));
      w.run();
      w.order(world::make_graph({"source -> a", "source2 -> b -> sink", "source -> sink2"}));
      for (std::size_t done = 0; done < at && w.step(); ++done) {
      }
      w.advance(std::chrono::seconds(6));
      w.run();
      REQUIRE(w.outcomes().size() == 2);
      const auto& e = w.outcomes()[1];
      if (e.outcome == transition_outcome::committed && !e.reason.empty()) {
        ++late;
        CHECK(e.reason.find("committed, but the deadline has passed for what was under way: "
                            "operator '") == 0);
        CHECK(e.reason.find("has not let out what was under way") != std::string::npos);
      }
      w.stop();
      w.run();
      REQUIRE(w.outcomes().size() == 3);
      CHECK(w.outcomes()[2].reason == "");
      CHECK(w.check_ended().value_or("") == "");
    }
  CHECK(late > 0);
}
