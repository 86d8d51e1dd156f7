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

/// A run by hand with a loop: source -> head -> turn -> sink, from turn back to head.
struct loop_by_hand {
  ledger seen;
  std::vector<graph_version> graphs;

  explicit loop_by_hand(feedback_policy policy) { add(policy); }
  /// A graph with the types given.
  void add(feedback_policy policy, const std::map<std::string, std::string>& types = {}) {
    graphs.push_back({graphs.size() + 1,
                      world::make_graph({"source -> head -> turn -> sink", "turn.again ~> head"},
                                        types, 4, policy)});
  }

  ledger::who who(const char* name, epoch_t instance) { return {seen.index(name), instance, 1}; }
  ledger::tag begin(std::uint64_t number) {
    const auto s = who("source", 1);
    return seen.emit(s, seen.begin(s, number), "out");
  }
  ledger::tag through(const char* name, const ledger::tag& t, epoch_t instance,
                      const char* port = "out") {
    const auto w = who(name, instance);
    return seen.emit(w, seen.take(w, t), port);
  }
  /// Once round, from the head to the feedback arc.
  ledger::tag round(const ledger::tag& t, epoch_t head, epoch_t turn) {
    return through("turn", through("head", t, head), turn, "again");
  }
  void out(const ledger::tag& t, epoch_t head, epoch_t turn) {
    seen.take(who("sink", 1), through("turn", through("head", t, head), turn));
  }
  std::string breach() const { return seen.check(graphs).value_or("none"); }
};

const std::map<std::string, std::string> both_new{{"head", "test.stage@2"},
                                                  {"turn", "test.turn@2"}};

/// The feedback arcs of `before` that are emptied, by their operators.
std::string emptied(const graph& before, const graph& after) {
  std::string text;
  for (const auto a : emptied_arcs(before, after))
    text += (text.empty() ? "" : " ") + before.arcs[a].from + "~" + before.arcs[a].to;
  return text;
}

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

TEST_CASE("what goes round may meet the old and then the new graph if it is handed over") {
  for (const auto policy : {feedback_policy::hand_over, feedback_policy::drain}) {
    CAPTURE(std::string(to_string(policy)));
    loop_by_hand run(policy);
    run.add(policy, both_new);
    run.out(run.round(run.begin(0), 1, 1), 1, 1);
    CHECK(run.breach() == "none");
    const auto there = run.round(run.begin(1), 1, 1);
    run.out(there, 2, 2);
    run.out(run.round(run.begin(2), 2, 2), 2, 2);
    if (policy == feedback_policy::hand_over) CHECK(run.breach() == "none");
    else
      CHECK(run.breach() == "item 1 of source met turn before and head after the transition to "
                            "epoch 2");
  }
}

TEST_CASE("within one round a request meets one side, whatever the policy") {
  loop_by_hand run(feedback_policy::hand_over);
  run.add(feedback_policy::hand_over, both_new);
  run.out(run.round(run.begin(0), 1, 1), 1, 2);
  CHECK(run.breach() ==
        "item 0 of source met head before and turn after the transition to epoch 2");
}

TEST_CASE("what goes round never meets the new and then the old graph") {
  const std::vector<std::string> loop{"source -> turn -> sink", "turn.again -> mid ~> turn"};
  loop_by_hand run(feedback_policy::hand_over);
  run.graphs = {{1, world::make_graph(loop)},
                {2, world::make_graph(loop, {{"mid", "test.stage@2"}, {"sink", "test.sink@2"}})}};
  const auto back = run.through("mid", run.through("turn", run.begin(0), 1, "again"), 2);
  run.seen.take(run.who("sink", 1), run.through("turn", back, 1));
  CHECK(run.breach() ==
        "item 0 of source met mid after and then sink before the transition to epoch 2");
}

TEST_CASE("a request meets a feedback arc that ends on one side only") {
  loop_by_hand run(feedback_policy::hand_over);
  run.graphs.push_back({2, world::make_graph({"source -> head -> turn -> sink"})});
  SUBCASE("it is emptied before") {
    run.out(run.round(run.begin(0), 1, 1), 1, 1);
    run.out(run.begin(1), 1, 1);
    CHECK(run.breach() == "none");
  }
  SUBCASE("the rest of it is taken after") {
    const auto there = run.round(run.begin(0), 1, 1);
    run.through("turn", run.through("head", run.begin(1), 1), 1, "again"); // goes nowhere now
    run.through("turn", run.through("head", there, 1), 1, "again");
    CHECK(run.breach() == "item 0 of source met turn before and turn after the transition to "
                          "epoch 2");
  }
}

TEST_CASE("packets on a feedback arc that are lost, doubled or overtaken are told") {
  loop_by_hand run(feedback_policy::hand_over);
  const auto first = run.round(run.begin(0), 1, 1), second = run.round(run.begin(1), 1, 1);
  SUBCASE("lost") {
    run.out(first, 1, 1);
    CHECK(run.breach().find("item 1 of source, taken by turn") == 0);
  }
  SUBCASE("doubled") {
    run.out(first, 1, 1);
    run.out(second, 1, 1);
    run.out(second, 1, 1);
    CHECK(run.breach() == "item 1 of source at head from turn: twice");
  }
  SUBCASE("overtaken") {
    run.out(second, 1, 1);
    run.out(first, 1, 1);
    CHECK(run.breach() == "item 0 of source at head from turn: overtaken by a later one");
  }
}

TEST_CASE("an operator may be sent to by itself, and what it then does not get is told") {
  loop_by_hand run(feedback_policy::hand_over);
  run.graphs = {{1, world::make_graph({"source -> turn -> sink", "turn.again ~> turn"})}};
  const auto back = run.through("turn", run.begin(0), 1, "again");
  CHECK(run.breach().find("item 0 of source, taken by turn") == 0);
  run.seen.take(run.who("sink", 1), run.through("turn", back, 1));
  CHECK(run.breach() == "none");
}

TEST_CASE("an operator of a loop does not go back to its old version") {
  loop_by_hand run(feedback_policy::hand_over);
  run.add(feedback_policy::hand_over, {{"head", "test.stage@2"}});
  run.out(run.round(run.begin(0), 2, 1), 1, 1);
  CHECK(run.breach().find("item 0 of source, taken by head (instance of epoch 1)") == 0);
}

TEST_CASE("which loops a transition empties is known from the two graphs") {
  const std::vector<std::string> nested{"source -> head -> mid -> turn_in -> turn_out -> sink",
                                        "turn_in.again ~> mid", "turn_out.again ~> head"};
  const auto policies = [&](feedback_policy inner, feedback_policy outer,
                            const std::map<std::string, std::string>& types = {}) {
    auto made = world::make_graph(nested, types);
    for (auto& a : made.arcs)
      if (a.feedback != feedback_policy::none) a.feedback = a.to == "mid" ? inner : outer;
    return made;
  };
  constexpr auto drain = feedback_policy::drain, hand_over = feedback_policy::hand_over;
  const std::map<std::string, std::string> head{{"head", "test.stage@2"}},
      mid{{"mid", "test.stage@2"}}, sink{{"sink", "test.sink@2"}};
  CHECK(emptied(policies(drain, drain), policies(drain, drain)) == "");
  CHECK(emptied(policies(drain, drain), policies(drain, drain, sink)) == "");
  CHECK(emptied(policies(hand_over, hand_over), policies(hand_over, hand_over, mid)) == "");
  CHECK(emptied(policies(drain, hand_over), policies(drain, hand_over, head)) == "");
  CHECK(emptied(policies(drain, hand_over), policies(drain, hand_over, mid)) == "turn_in~mid");
  CHECK(emptied(policies(hand_over, drain), policies(hand_over, drain, head)) ==
        "turn_in~mid turn_out~head");
  CHECK(emptied(policies(hand_over, hand_over), policies(drain, hand_over)) == "turn_in~mid");
}
