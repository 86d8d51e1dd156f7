#include "lifecycle/admin_codec.hpp"

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <doctest/doctest.h>

#include <algorithm>
#include <random>

using namespace instar;
using namespace std::chrono_literals;

namespace {

/// A value after it was written to a message and read from it again.
template <class Struct, class T>
T back(const T& value) {
  capnp::MallocMessageBuilder message;
  write(value, message.initRoot<Struct>());
  return read(message.getRoot<Struct>().asReader());
}

graph sample_graph() {
  graph g;
  g.name = "shop";
  g.origin = "/etc/shop.toml";
  g.modules = {"/usr/lib/a", "/usr/lib/b.so"};
  operator_node op;
  op.name = "load";
  op.type = "http.load";
  op.version = 7;
  op.values.set("root", std::string("/srv"));
  op.values.set("limit", std::int64_t{-5});
  op.values.set("share", 0.25);
  op.values.set("cold", true);
  op.on_error = {error_strategy::stop, 3, 7s};
  op.line = 12;
  op.was = "fetch";
  op.transient = true;
  g.operators = {op, {}};
  g.arcs = {{"a", "out", "load", "in", 64, 3}, {}};
  return g;
}

void check_same(const arc_node& a, const arc_node& b) {
  CHECK(a.name() == b.name());
  CHECK(a.capacity == b.capacity);
  CHECK(a.line == b.line);
  CHECK(a.feedback == b.feedback);
}

} // namespace

TEST_CASE("a graph comes back as it was sent") {
  const auto sent = sample_graph();
  const auto got = back<wire::Graph>(sent);
  CHECK(got.name == sent.name);
  CHECK(got.origin == sent.origin);
  CHECK(got.modules == sent.modules);
  REQUIRE(got.operators.size() == 2);
  CHECK(got.operators[0].name == "load");
  CHECK(got.operators[0].reference() == "http.load@7");
  CHECK(got.operators[0].values == sent.operators[0].values);
  CHECK(got.operators[0].on_error == sent.operators[0].on_error);
  CHECK(got.operators[0].line == 12);
  CHECK(got.operators[0].was == "fetch");
  CHECK(got.operators[0].transient);
  REQUIRE(got.arcs.size() == 2);
  check_same(got.arcs[0], sent.arcs[0]);
}

TEST_CASE("replicas, their lanes and the ways of their state cross the wire") {
  graph g = sample_graph();
  g.operators[0].replicas = 4;
  g.operators[0].key = key_kind::hash;
  g.operators[0].replica_of = "store";
  g.operators[0].replica = 3;
  g.arcs[0].lane = 3;
  g.arcs[0].lanes = 4;
  g.arcs[0].key = key_kind::hash;
  g.arcs[0].group = "store.in";
  const auto got = back<wire::Graph>(g);
  CHECK(got.operators[0].replicas == 4);
  CHECK(got.operators[0].key == key_kind::hash);
  CHECK(got.operators[0].replica_of == "store");
  CHECK(got.operators[0].replica == 3);
  CHECK(got.arcs[0].lane == 3);
  CHECK(got.arcs[0].lanes == 4);
  CHECK(got.arcs[0].key == key_kind::hash);
  CHECK(got.arcs[0].group == "store.in");
  CHECK(got.arcs[1].lanes == 1);
  transition_plan plan;
  plan.operators.resize(1);
  plan.operators[0].replica_of = "store";
  plan.operators[0].state_from = {"a", "b"};
  plan.operators[0].heirs = {"c"};
  const auto change = back<wire::Plan>(plan).operators[0];
  CHECK(change.replica_of == "store");
  CHECK(change.state_from == plan.operators[0].state_from);
  CHECK(change.heirs == plan.operators[0].heirs);
}

TEST_CASE("every strategy, action, policy, failure code and outcome has its own word on the wire") {
  for (auto s : {error_strategy::resume, error_strategy::restart, error_strategy::stop}) {
    auto g = sample_graph();
    g.operators[0].on_error.strategy = s;
    CHECK(back<wire::Graph>(g).operators[0].on_error.strategy == s);
  }
  for (auto p : {feedback_policy::none, feedback_policy::hand_over, feedback_policy::drain}) {
    auto g = sample_graph();
    g.arcs[1].feedback = p;
    CHECK(back<wire::Graph>(g).arcs[1].feedback == p);
  }
  for (auto a : {operator_action::keep, operator_action::add, operator_action::remove,
                 operator_action::replace}) {
    transition_plan plan;
    plan.operators.resize(1);
    plan.operators[0].action = a;
    CHECK(back<wire::Plan>(plan).operators[0].action == a);
  }
  for (auto a : {arc_action::keep, arc_action::add, arc_action::remove}) {
    transition_plan plan;
    plan.arcs.resize(1);
    plan.arcs[0].action = a;
    CHECK(back<wire::Plan>(plan).arcs[0].action == a);
  }
  for (auto c : {errc::bad_input, errc::not_found, errc::incompatible, errc::refused,
                 errc::deadline, errc::operator_error, errc::system}) {
    transition_plan plan;
    plan.refusals = {{c, "because"}};
    CHECK(back<wire::Plan>(plan).refusals == plan.refusals);
  }
  for (auto o : {transition_outcome::unchanged, transition_outcome::committed,
                 transition_outcome::refused, transition_outcome::rolled_back}) {
    history_entry entry;
    entry.outcome = o;
    CHECK(back<wire::HistoryEntry>(entry).outcome == o);
  }
}

TEST_CASE("a plan comes back as it was sent") {
  transition_plan sent;
  sent.operators.push_back({operator_action::replace,
                            "load",
                            "l@1",
                            "l@2",
                            {"root: a -> b"},
                            true,
                            "LoadState 1 -> 2",
                            false,
                            true,
                            true,
                            "fetch",
                            true,
                            true,
                            {1, 2, {{"l", 2, 1, 2}}},
                            {3, 3, {}},
                            true});
  sent.operators.push_back(
      {operator_action::keep, "x", "x@1", "x@1", {}, false, "", true, false, false});
  sent.arcs.push_back({arc_action::add, {"a", "o", "b", "i", 5, 9}, true, "c.o -> b.i"});
  sent.refusals.push_back({errc::incompatible, "no"});
  const auto got = back<wire::Plan>(sent);
  REQUIRE(got.operators.size() == 2);
  const auto& op = got.operators[0];
  CHECK(op.name == "load");
  CHECK(op.old_reference == "l@1");
  CHECK(op.new_reference == "l@2");
  CHECK(op.settings == sent.operators[0].settings);
  CHECK(op.transfers_state);
  CHECK(op.state_format == "LoadState 1 -> 2");
  CHECK_FALSE(op.arcs_change);
  CHECK(op.in_region);
  CHECK(op.is_head);
  CHECK(op.old_name == "fetch");
  CHECK(op.drains);
  CHECK(op.native);
  CHECK(op.state_by == sent.operators[0].state_by);
  CHECK(op.parts_by == sent.operators[0].parts_by);
  CHECK(op.drops_state);
  CHECK(got.operators[1].arcs_change);
  CHECK_FALSE(got.operators[1].in_region);
  CHECK_FALSE(got.operators[1].is_head);
  CHECK_FALSE(got.operators[1].drains);
  REQUIRE(got.arcs.size() == 1);
  CHECK(got.arcs[0].in_region);
  CHECK(got.arcs[0].old_name == "c.o -> b.i");
  check_same(got.arcs[0].arc, sent.arcs[0].arc);
  CHECK(got.refused());
}

TEST_CASE("status and history come back as they were sent") {
  service_status s;
  s.name = "shop";
  s.graph_file = "/etc/shop.toml";
  s.version = "1.2.3";
  s.pid = 77;
  s.epoch = 5;
  s.started = std::chrono::system_clock::time_point(123456789ms);
  s.phase = "running";
  s.transition = "load";
  s.queued_transitions = 2;
  s.operators.push_back(
      {"load", "l@1", 4, "at cut", 1, 2, 3, 11, 4, 5, 6, 7, 8, 9, 10, "loads", 4, 77, 0.5});
  s.arcs.push_back({"a.o -> b.i", "http.request", 64, 13, true});
  s.arcs.push_back({"b.o -> c.i", "http.request", 64, 0});
  s.modules_loaded = 9;
  s.modules_unloaded = 10;
  s.modules_stuck = 11;
  s.resident_bytes = 12;
  s.transitions.push_back({8, 6, "bob(3)", "load", "mark", "operator 'x'", {{"plan", 5us}}});
  const auto got = back<wire::Status>(s);
  CHECK(got.name == s.name);
  CHECK(got.graph_file == s.graph_file);
  CHECK(got.version == s.version);
  CHECK(got.pid == 77);
  CHECK(got.epoch == 5);
  CHECK(got.started == s.started);
  CHECK(got.phase == s.phase);
  CHECK(got.transition == s.transition);
  CHECK(got.queued_transitions == 2);
  REQUIRE(got.operators.size() == 1);
  const auto& op = got.operators[0];
  CHECK(op.reference == "l@1");
  CHECK(op.since_epoch == 4);
  CHECK(op.entries == 10);
  CHECK(op.replica_of == "loads");
  CHECK(op.replicas == 4);
  CHECK(op.hot_key == 77);
  CHECK(op.hot_share == 0.5);
  CHECK(op.phase == "at cut");
  CHECK(op.packets_in == 1);
  CHECK(op.packets_out == 2);
  CHECK(op.events == 3);
  CHECK(op.events_waiting == 11);
  CHECK(op.activations == 4);
  CHECK(op.busy_ns == 5);
  CHECK(op.blocked == 6);
  CHECK(op.errors == 7);
  CHECK(op.restarts == 8);
  CHECK(op.late_answers == 9);
  REQUIRE(got.arcs.size() == 2);
  CHECK(got.arcs[0].feedback);
  CHECK_FALSE(got.arcs[1].feedback);
  CHECK(got.arcs[0].payload == "http.request");
  CHECK(got.arcs[0].capacity == 64);
  CHECK(got.arcs[0].queued == 13);
  CHECK(got.modules_loaded == 9);
  CHECK(got.modules_unloaded == 10);
  CHECK(got.modules_stuck == 11);
  CHECK(got.resident_bytes == 12);
  REQUIRE(got.transitions.size() == 1);
  const auto& t = got.transitions[0];
  CHECK(t.id == 8);
  CHECK(t.epoch == 6);
  CHECK(t.who == "bob(3)");
  CHECK(t.what == "load");
  CHECK(t.step == "mark");
  CHECK(t.waiting_for == "operator 'x'");
  REQUIRE(t.steps.size() == 1);
  CHECK(t.steps[0].took == 5us);

  history_entry e{3,           5,
                  "alice(12)", "load: 1 -> 2",
                  s.started,   transition_outcome::rolled_back,
                  "late",      {{"plan", 5us}, {"mark", 7ms}},
                  9us,         "queued(a) is 7 (> 5)"};
  const auto entry = back<wire::HistoryEntry>(e);
  CHECK(entry.id == 3);
  CHECK(entry.epoch == 5);
  CHECK(entry.who == e.who);
  CHECK(entry.what == e.what);
  CHECK(entry.when == e.when);
  CHECK(entry.reason == e.reason);
  REQUIRE(entry.steps.size() == 2);
  CHECK(entry.steps[1].step == "mark");
  CHECK(entry.steps[1].took == 7ms);
  CHECK(entry.mark_to_commit == 9us);
  CHECK(entry.cause == e.cause);
}

TEST_CASE("a wanted change comes back as it was sent") {
  const wanted_change text = graph_text{"[graph]\n", "/a/b.toml", {{"x", "y", "z=1"}}, "/home"};
  const auto got_text = std::get<graph_text>(back<wire::Wanted>(text));
  CHECK(got_text.text == "[graph]\n");
  CHECK(got_text.origin == "/a/b.toml");
  REQUIRE(got_text.overrides.size() == 1);
  CHECK(got_text.overrides[0].operator_name == "x");
  CHECK(got_text.overrides[0].key == "y");
  CHECK(got_text.overrides[0].value == "z=1");
  CHECK(got_text.folder == "/home");

  CHECK(std::get<rollback_to>(back<wire::Wanted>(wanted_change(rollback_to{7}))).epoch == 7);

  capnp::MallocMessageBuilder consenting;
  auto wanted = consenting.initRoot<wire::Wanted>();
  write(wanted_change(rollback_to{7}), wanted, {"a", "b"});
  CHECK(std::get<rollback_to>(read(wanted.asReader())).epoch == 7);
  CHECK(read_drop_state(wanted.asReader()) == std::vector<std::string>{"a", "b"});

  const wanted_change updates = std::vector<operator_update>{{"a", "t.a", 2}, {"b", "t.b", 3}};
  const auto got = std::get<std::vector<operator_update>>(back<wire::Wanted>(updates));
  REQUIRE(got.size() == 2);
  CHECK(got[1].name == "b");
  CHECK(got[1].type == "t.b");
  CHECK(got[1].version == 3);
}

TEST_CASE("a graph to be compared comes back as it was named") {
  CHECK(std::holds_alternative<std::monostate>(back<wire::NamedGraph>(named_graph())));
  CHECK(std::get<epoch_t>(back<wire::NamedGraph>(named_graph(epoch_t{7}))) == 7);
  const named_graph text = graph_text{"[graph]\n", "/a/b.toml", {}, "/home"};
  CHECK(std::get<graph_text>(back<wire::NamedGraph>(text)).origin == "/a/b.toml");
}

TEST_CASE("what is told of a policy comes back as it was sent") {
  policy_status sent;
  sent.name = "busy";
  sent.place = "home";
  sent.paused = true;
  sent.paused_by = "bob(3)";
  sent.rule = "queued(a) > 5";
  sent.asks = "update a=t.a@2";
  sent.state = "paused by bob(3)";
  sent.measures = {{"queued(a)", ">", "number", 5, 7.5, "", "queued(a) is 7.5 (> 5)", true},
                   {"wait(a)", "<=", "time", 0.002, std::nullopt, "no traffic", "unknown", false}};
  sent.holds_since = std::chrono::system_clock::time_point(123456789ms);
  sent.changes = 3;
  sent.per_hour = 12;
  sent.refusals = 2;
  sent.events = {{std::chrono::system_clock::time_point(5ms), "there", "update a=t.a@2", "because",
                  "refused", "no", 9, 4}};
  const auto got = back<wire::Policy>(sent);
  CHECK(got.name == sent.name);
  CHECK(got.place == sent.place);
  CHECK(got.paused);
  CHECK(got.paused_by == sent.paused_by);
  CHECK(got.rule == sent.rule);
  CHECK(got.asks == sent.asks);
  CHECK(got.state == sent.state);
  REQUIRE(got.measures.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(got.measures[i].expression == sent.measures[i].expression);
    CHECK(got.measures[i].relation == sent.measures[i].relation);
    CHECK(got.measures[i].unit == sent.measures[i].unit);
    CHECK(got.measures[i].threshold == sent.measures[i].threshold);
    CHECK(got.measures[i].value == sent.measures[i].value);
    CHECK(got.measures[i].why_not == sent.measures[i].why_not);
    CHECK(got.measures[i].text == sent.measures[i].text);
    CHECK(got.measures[i].holds == sent.measures[i].holds);
  }
  CHECK(got.holds_since == sent.holds_since);
  CHECK(got.changes == 3);
  CHECK(got.per_hour == 12);
  CHECK(got.refusals == 2);
  REQUIRE(got.events.size() == 1);
  CHECK(got.events[0].when == sent.events[0].when);
  CHECK(got.events[0].kind == "there");
  CHECK(got.events[0].asked == sent.events[0].asked);
  CHECK(got.events[0].cause == "because");
  CHECK(got.events[0].outcome == "refused");
  CHECK(got.events[0].reason == "no");
  CHECK(got.events[0].transition == 9);
  CHECK(got.events[0].epoch == 4);
  CHECK_FALSE(back<wire::Policy>(policy_status()).holds_since);
}

TEST_CASE("a damaged message is read as something or refused with an exception, never worse") {
  capnp::MallocMessageBuilder message;
  write(sample_graph(), message.initRoot<wire::Graph>());
  const auto whole = capnp::messageToFlatArray(message);
  std::mt19937 random(7);
  int refused = 0;
  for (int round = 0; round < 3000; ++round) {
    auto bytes = kj::heapArray<capnp::word>(whole.size());
    std::ranges::copy(whole.asBytes(), bytes.asBytes().begin());
    for (int flips = 0; flips < 4; ++flips)
      bytes.asBytes()[random() % bytes.asBytes().size()] ^=
          static_cast<kj::byte>(1 + random() % 255);
    try {
      capnp::FlatArrayMessageReader reader(bytes);
      (void)read(reader.getRoot<wire::Graph>());
    } catch (const kj::Exception&) {
      ++refused;
    }
  }
  CHECK(refused > 0);
  CHECK(refused < 3000);
}
