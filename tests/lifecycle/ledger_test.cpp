// The oracle itself: it has to notice what the protocol must not do.

#include "ledger.hpp"

#include "protocol_world.hpp"

#include <doctest/doctest.h>

using namespace instar;
using namespace instar::test;

namespace {

/// A run by hand: source -> a -> {b, c}.
struct by_hand {
  ledger seen;
  std::vector<graph_version> graphs{
      {1, world::make_graph({"source -> a -> b", "a -> c"})},
  };

  ledger::who who(const char* name, epoch_t instance = 1) {
    return {seen.index(name), instance, 1};
  }
  /// Item `number` as it leaves `a`, which belongs to `instance`.
  ledger::tag pass(std::uint64_t number, epoch_t instance = 1) {
    const auto s = who("source"), a = who("a", instance);
    const auto tag = seen.emit(s, seen.begin(s, number), "out");
    return seen.emit(a, seen.take(a, tag), "out");
  }
  void arrive(const char* at, const ledger::tag& t, epoch_t instance = 1) {
    seen.take(who(at, instance), t);
  }
  void both(const ledger::tag& t) {
    arrive("b", t);
    arrive("c", t);
  }
  std::string breach(bool complete = true) const {
    return seen.check(graphs, complete).value_or("none");
  }
};

} // namespace

TEST_CASE("a run in which everything arrives in order is in order") {
  by_hand run;
  const auto first = run.pass(0), second = run.pass(1);
  run.both(first);
  run.both(second);
  CHECK(run.breach() == "none");
}

TEST_CASE("a packet that reaches only one of two is told") {
  by_hand run;
  run.both(run.pass(0));
  run.arrive("b", run.pass(1));
  CHECK(run.breach().find("item 1 of source, taken by a (instance of epoch 1), reached b;") == 0);
  CHECK(run.breach(false) == "none");
}

TEST_CASE("a packet that comes twice, out of order or from nowhere is told") {
  by_hand run;
  const auto first = run.pass(0), second = run.pass(1);
  SUBCASE("twice") {
    run.both(first);
    run.arrive("b", first);
    CHECK(run.breach() == "item 0 of source at b from a: twice");
  }
  SUBCASE("out of order") {
    run.both(second);
    run.both(first);
    CHECK(run.breach(false) == "item 0 of source at b from a: overtaken by a later one");
  }
  SUBCASE("from nowhere") {
    auto strange = first;
    ++strange.id;
    run.arrive("b", strange);
    CHECK(run.breach(false) == "item 0 of source at b: nobody has sent it");
  }
  SUBCASE("from an operator that has no arc there") {
    run.graphs[0].content = world::make_graph({"source -> a -> b"});
    run.both(first);
    CHECK(run.breach(false).find("item 0 of source, taken by a") == 0);
  }
}

TEST_CASE("an operator changes its arcs at one moment") {
  by_hand run;
  run.graphs.push_back({2, world::make_graph({"source -> a -> b", "c"})});
  run.both(run.pass(0));
  run.arrive("b", run.pass(1));
  CHECK(run.breach() == "none");
  run.both(run.pass(2));
  CHECK(run.breach().find("item 2 of source, taken by a") == 0);
}

TEST_CASE("an instance works only in its own time") {
  by_hand run;
  run.graphs.push_back(
      {2, world::make_graph({"source -> a -> b", "a -> c"}, {{"a", "test.stage@2"}})});
  run.both(run.pass(0, 1));
  run.both(run.pass(1, 2));
  CHECK(run.breach() == "none");
  run.both(run.pass(2, 1));
  CHECK(run.breach().find("item 2 of source, taken by a (instance of epoch 1)") == 0);
}

TEST_CASE("a request that meets a transition half is told") {
  by_hand run;
  run.graphs.push_back({2, world::make_graph({"source -> a -> b", "a -> c"},
                                             {{"b", "test.stage@2"}, {"c", "test.stage@2"}})});
  const auto first = run.pass(0), second = run.pass(1);
  run.both(first);
  run.arrive("b", second, 1);
  run.arrive("c", second, 2);
  CHECK(run.breach() == "item 1 of source met b before and c after the transition to epoch 2");
}
