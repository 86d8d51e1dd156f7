#include "lifecycle/transition.hpp"

#include <doctest/doctest.h>

using namespace instar;
using action = transition::action;
using step = transition::step;

namespace {

const auto t0 = transition::clock::time_point{} + std::chrono::hours(1);

operator_change change(operator_action a, std::string name, bool in_region = true) {
  operator_change c;
  c.action = a;
  c.name = std::move(name);
  c.in_region = in_region;
  return c;
}

/// Heard of at once.
report_message report(report_kind kind, std::string name, std::string text = {}) {
  return {kind, 2, std::move(name), std::move(text), 0, 0, transition::clock::time_point::max()};
}

/// `a` is replaced, `b` between is crossed by the markers, `c` is removed, `d` is added.
transition_plan mixed_plan() {
  transition_plan p;
  p.operators = {change(operator_action::replace, "a"), change(operator_action::keep, "b"),
                 change(operator_action::remove, "c"), change(operator_action::add, "d", false)};
  return p;
}

void vote(transition& t) {
  CHECK(t.on_report(report(report_kind::prepared, "a"), t0) == action::none);
  CHECK(t.on_report(report(report_kind::created, "a"), t0) == action::none);
  CHECK(t.on_report(report(report_kind::prepared, "c"), t0) == action::none);
  CHECK(t.on_report(report(report_kind::created, "d"), t0) == action::none);
  CHECK(t.on_report(report(report_kind::prepared, "b"), t0) == action::mark);
}

} // namespace

TEST_CASE("markers are sent only when every participant has voted") {
  transition t(2, mixed_plan(), t0);
  CHECK(t.proceed(t0) == action::none);
  CHECK_FALSE(t.markers_sent());
  vote(t);
  CHECK(t.markers_sent());
}

TEST_CASE("one report stands for all who have voted, and the last to vote sends the markers") {
  transition t(2, mixed_plan(), t0);
  const auto actors = std::vector<caf::actor>(3);
  t.before_markers().tell_at_last(actors);
  const std::vector<ballot::vote> votes{{report_kind::prepared, "a"},
                                        {report_kind::created, "a"},
                                        {report_kind::prepared, "b"},
                                        {report_kind::created, "d"}};
  for (const auto& vote : votes) {
    CHECK_FALSE(t.votes()->add(vote).last);
    CHECK_FALSE(t.votes()->add(vote).last);
  }
  CHECK(t.waiting_for() == "operator 'c' has not answered");
  const auto last = t.votes()->add({report_kind::prepared, "c"});
  CHECK(last.last);
  CHECK(last.told.size() == 3);
  CHECK(t.on_report(report(report_kind::prepared, "c"), t0) == action::mark);
}

TEST_CASE("where keyed state goes ahead, the markers are sent when all of it has gone") {
  auto plan = mixed_plan();
  plan.operators[0].parts = part_transfer::pre_copy;
  transition t(2, plan, t0);
  t.before_markers().tell_at_last(std::vector<caf::actor>(1));
  for (const auto* name : {"a", "b", "c"}) t.votes()->add({report_kind::prepared, name});
  t.votes()->add({report_kind::created, "a"});
  const auto ready = t.votes()->add({report_kind::created, "d"});
  CHECK(ready.last);
  CHECK(ready.told.empty());
  CHECK(t.on_report(report(report_kind::created, "d"), t0) == action::copy);
  CHECK(t.waiting_for() == "operator 'a' is still sending its state");
  const auto copied = t.copies()->add({report_kind::copied, "a"});
  CHECK(copied.last);
  CHECK(copied.told.size() == 1);
  CHECK(t.on_report(report(report_kind::copied, "a"), t0) == action::mark);
}

TEST_CASE("after it was given up nobody sends markers; who has sent them before is known") {
  for (const bool in_time : {false, true}) {
    CAPTURE(in_time);
    transition t(2, mixed_plan(), t0);
    t.before_markers().tell_at_last(std::vector<caf::actor>(1));
    for (const auto* name : {"a", "b", "c"}) t.votes()->add({report_kind::prepared, name});
    t.votes()->add({report_kind::created, "a"});
    if (in_time) CHECK(t.votes()->add({report_kind::created, "d"}).last);
    CHECK(t.give_up("cancelled", t0) == action::abort);
    CHECK(t.markers_sent() == in_time);
    const auto late = t.votes()->add({report_kind::created, "d"});
    CHECK_FALSE(late.last);
    CHECK(late.told.empty());
  }
}

TEST_CASE("a cut may be heard of before the last vote") {
  using std::chrono::milliseconds;
  transition t(2, mixed_plan(), t0);
  for (const auto* name : {"a", "b", "c"}) t.votes()->add({report_kind::prepared, name});
  t.votes()->add({report_kind::created, "a"});
  CHECK(t.votes()->add({report_kind::created, "d"}).last);
  t.at_cuts()->add({report_kind::at_cut, "a"});
  CHECK(t.at_cuts()->add({report_kind::at_cut, "c"}).last);
  auto cut = report(report_kind::at_cut, "c");
  cut.at = t0 + milliseconds(3);
  CHECK(t.on_report(cut, t0 + milliseconds(4)) == action::none);
  CHECK(t.current() == step::prepare);
  auto vote = report(report_kind::created, "d");
  vote.at = t0 + milliseconds(2);
  CHECK(t.on_report(vote, t0 + milliseconds(5)) == action::mark);
  CHECK(t.proceed(t0 + milliseconds(5)) == action::none);
  CHECK(t.current() == step::restore);
  REQUIRE(t.times().size() == 2);
  CHECK(t.times()[0].took == milliseconds(2));
  CHECK(t.times()[1].took == milliseconds(1));
}

TEST_CASE("where loops are emptied, the commit waits for those whom the markers only cross") {
  for (const bool drains : {false, true}) {
    CAPTURE(drains);
    auto plan = mixed_plan();
    plan.operators[0].drains = drains;
    transition t(2, plan, t0);
    vote(t);
    CHECK(t.on_report(report(report_kind::at_cut, "c"), t0) == action::none);
    CHECK(t.on_report(report(report_kind::at_cut, "a"), t0) == action::none);
    const auto all_but_b = t.on_report(report(report_kind::restored, "a"), t0);
    CHECK(all_but_b == (drains ? action::none : action::commit));
    if (!drains) continue;
    CHECK(t.waiting_for() == "operator 'b' has not reached its cut");
    CHECK(t.on_report(report(report_kind::at_cut, "b"), t0) == action::commit);
  }
}

TEST_CASE("the commit comes only when all stand at their cuts and all state is restored") {
  transition t(2, mixed_plan(), t0);
  vote(t);
  CHECK(t.on_report(report(report_kind::at_cut, "c"), t0) == action::none);
  CHECK(t.on_report(report(report_kind::at_cut, "a"), t0) == action::none);
  CHECK(t.on_report(report(report_kind::restored, "a"), t0) == action::commit);
  CHECK(t.on_report(report(report_kind::running, "a"), t0) == action::none);
  CHECK(t.current() == step::commit);
  CHECK(t.on_report(report(report_kind::running, "d"), t0 + std::chrono::milliseconds(3)) ==
        action::retire);
  CHECK(t.on_report(report(report_kind::ended, "a"), t0) == action::none);
  CHECK(t.on_report(report(report_kind::ended, "c"), t0) == action::finish);
  CHECK(t.mark_to_commit() == std::chrono::milliseconds(3));
  REQUIRE(t.times().size() == 5);
}

TEST_CASE("the step of the markers ends with the last cut, whatever is restored after it") {
  using std::chrono::milliseconds;
  transition t(2, mixed_plan(), t0);
  vote(t);
  CHECK(t.on_report(report(report_kind::at_cut, "a"), t0 + milliseconds(1)) == action::none);
  CHECK(t.current() == step::mark);
  CHECK(t.on_report(report(report_kind::at_cut, "c"), t0 + milliseconds(2)) == action::none);
  CHECK(t.current() == step::restore);
  CHECK(t.waiting_for() == "operator 'a' has not restored its state");
  CHECK(t.on_report(report(report_kind::restored, "a"), t0 + milliseconds(5)) == action::commit);
  REQUIRE(t.times().size() == 3);
  CHECK(t.times()[1].step == "mark");
  CHECK(t.times()[1].took == milliseconds(2));
  CHECK(t.times()[2].step == "restore");
  CHECK(t.times()[2].took == milliseconds(3));
}

TEST_CASE("a cut is reached when it was, not when that is heard of") {
  using std::chrono::milliseconds;
  transition t(2, mixed_plan(), t0);
  vote(t);
  auto first = report(report_kind::at_cut, "c"), last = report(report_kind::at_cut, "a");
  first.at = t0 + milliseconds(1);
  CHECK(t.on_report(first, t0 + milliseconds(1)) == action::none);
  last.at = t0 + milliseconds(2);
  CHECK(t.on_report(last, t0 + milliseconds(7)) == action::none);
  REQUIRE(t.times().size() == 2);
  CHECK(t.times()[1].took == milliseconds(2));
}

TEST_CASE("while states are restored, the transition can still be given up") {
  transition t(2, mixed_plan(), t0);
  vote(t);
  t.on_report(report(report_kind::at_cut, "c"), t0);
  t.on_report(report(report_kind::at_cut, "a"), t0);
  CHECK(t.give_up("the deadline has passed", t0) == action::abort);
  CHECK(t.give_up("again", t0) == action::none);
  CHECK(t.reason() == "the deadline has passed");
}

TEST_CASE("a checkpoint is marked until it is written") {
  auto plan = mixed_plan();
  plan.operators = {change(operator_action::keep, "a")};
  plan.saves = true;
  transition t(2, plan, t0);
  CHECK(t.on_report(report(report_kind::prepared, "a"), t0) == action::mark);
  CHECK(t.on_report(report(report_kind::at_cut, "a"), t0) == action::none);
  CHECK(t.current() == step::mark);
  CHECK(t.waiting_for() == "the file is being written");
  CHECK(t.on_report(report(report_kind::written, ""), t0) == action::commit);
}

TEST_CASE("a failure before the commit takes everything back, once") {
  transition t(2, mixed_plan(), t0);
  vote(t);
  CHECK(t.on_report(report(report_kind::failed, "a", "restore failed"), t0) == action::abort);
  CHECK(t.reason() == "restore failed");
  CHECK(t.current() == step::aborted);
  CHECK(t.on_report(report(report_kind::failed, "c", "too late"), t0) == action::none);
  CHECK(t.on_report(report(report_kind::at_cut, "a"), t0) == action::none);
}

TEST_CASE("after the point of no return nothing takes it back") {
  transition t(2, mixed_plan(), t0);
  vote(t);
  t.on_report(report(report_kind::at_cut, "c"), t0);
  t.on_report(report(report_kind::at_cut, "a"), t0);
  CHECK(t.on_report(report(report_kind::restored, "a"), t0) == action::commit);
  CHECK(t.give_up("deadline", t0) == action::none);
  CHECK(t.current() == step::commit);
}

TEST_CASE("who is waited for is named, with the reason that it gave") {
  transition t(2, mixed_plan(), t0);
  CHECK(t.waiting_for().find("operator 'd' is still being constructed") != std::string::npos);
  vote(t);
  t.on_report(report(report_kind::delayed, "a", "3 requests are open"), t0);
  CHECK(t.waiting_for().find("operator 'a' says not yet: 3 requests are open") !=
        std::string::npos);
  t.on_report(report(report_kind::at_cut, "a"), t0);
  CHECK(t.waiting_for() == "operator 'c' has not reached its cut, operator 'a' has not restored "
                           "its state");
}

TEST_CASE("one report stands for all that are in its ballot") {
  transition t(2, mixed_plan(), t0);
  vote(t);
  t.on_report(report(report_kind::delayed, "c", "its thread works"), t0);
  CHECK_FALSE(t.at_cuts()->add({report_kind::at_cut, "c"}).last);
  CHECK_FALSE(t.at_cuts()->add({report_kind::at_cut, "c"}).last);
  CHECK(t.waiting_for() == "operator 'a' has not reached its cut, operator 'a' has not restored "
                           "its state");
  CHECK(t.current() == step::mark);
  CHECK(t.at_cuts()->add({report_kind::at_cut, "a"}).last);
  CHECK(t.on_report(report(report_kind::at_cut, "a"), t0) == action::none);
  CHECK(t.current() == step::restore);
  CHECK(t.waiting_for() == "operator 'a' has not restored its state");
  CHECK(t.restored()->add({report_kind::restored, "a"}).last);
  CHECK(t.on_report(report(report_kind::restored, "a"), t0) == action::commit);
}

TEST_CASE("an operator that only lets the markers pass is named if it holds them back") {
  transition t(2, mixed_plan(), t0);
  vote(t);
  t.on_report(report(report_kind::at_cut, "a"), t0);
  t.on_report(report(report_kind::restored, "a"), t0);
  CHECK(t.on_report(report(report_kind::delayed, "b", "2 packets are in its loop"), t0) ==
        action::none);
  CHECK(t.waiting_for() == "operator 'c' has not reached its cut, operator 'b' says not yet: 2 "
                           "packets are in its loop");
  t.on_report(report(report_kind::delayed, "b"), t0); // it has passed
  CHECK(t.waiting_for() == "operator 'c' has not reached its cut");
}

TEST_CASE("a start has nobody at a cut, so it commits as soon as all is constructed") {
  transition_plan p;
  p.operators = {change(operator_action::add, "x", false)};
  transition t(2, p, t0);
  CHECK(t.on_report(report(report_kind::created, "x"), t0) == action::mark);
  CHECK(t.proceed(t0) == action::commit);
  CHECK(t.on_report(report(report_kind::running, "x"), t0) == action::retire);
  CHECK(t.proceed(t0) == action::finish);
}
