#include "lifecycle/plan.hpp"

#include "lifecycle/plan_text.hpp"
#include "lifecycle/unknown_types.hpp"
#include "made_schemas.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <random>
#include <set>

using namespace instar;
using namespace instar::test;

namespace {

constexpr std::uint64_t kv_id = 0xf000'0000'0000'0001, other_id = 0xf000'0000'0000'0002;
const schema_set kv_1 = made_schemas(kv_id, "kv.capnp:State", {field::number});
const schema_set kv_2 = made_schemas(kv_id, "kv.capnp:State", {field::number, field::text});
const schema_set kv_odd = made_schemas(kv_id, "kv.capnp:State", {field::text});
const schema_set other = made_schemas(other_id, "other.capnp:State", {field::number});

/// Builds checked graphs: operators have an input `in` and an output `out`.
class builder {
public:
  builder& op(const std::string& name, const std::string& type = "x", std::uint32_t version = 1) {
    g_.content.operators.push_back({name, type, version, {}, {}, 0});
    operator_description d;
    d.name = type;
    d.version = version;
    g_.types.insert_or_assign(name, std::move(d));
    return *this;
  }
  builder& state(std::uint64_t id, std::uint32_t version, schema_set schemas) {
    auto& d = type();
    d.state_schema = id;
    d.state_version = version;
    d.schemas = std::move(schemas);
    return *this;
  }
  builder& set(const std::string& key, setting_value value) {
    g_.content.operators.back().values.set(key, std::move(value));
    return *this;
  }
  builder& was(const std::string& name) {
    g_.content.operators.back().was = name;
    return *this;
  }
  builder& on_error(error_policy policy) {
    g_.content.operators.back().on_error = policy;
    return *this;
  }
  builder& splits() {
    type().splits = true;
    return *this;
  }
  builder& arc(const std::string& from, const std::string& to, std::size_t capacity = 8,
               feedback_policy feedback = feedback_policy::none) {
    g_.content.arcs.push_back({from, "out", to, "in", capacity, 0, feedback});
    return *this;
  }
  operator typed_graph() const { return g_; }

private:
  operator_description& type() { return g_.types.find(g_.content.operators.back().name)->second; }
  typed_graph g_;
};

builder http(std::uint32_t load = 1, std::uint32_t reply = 1) {
  builder b;
  b.op("accept").op("parse").op("load", "http.load", load).op("compose");
  b.op("reply", "http.reply", reply);
  b.arc("accept", "parse").arc("parse", "load").arc("load", "compose").arc("compose", "reply");
  return b;
}

const operator_change& change_of(const transition_plan& p, std::string_view name) {
  const auto found = std::find_if(p.operators.begin(), p.operators.end(),
                                  [&](const operator_change& c) { return c.name == name; });
  REQUIRE_MESSAGE(found != p.operators.end(), name);
  return *found;
}

/// `name name …` of the operators that satisfy it.
template <class Which>
std::string names(const transition_plan& p, Which&& which) {
  std::string text;
  for (const auto& c : p.operators)
    if (which(c)) text += (text.empty() ? "" : " ") + c.name;
  return text;
}
std::string region(const transition_plan& p) {
  return names(p, [](const auto& c) { return c.in_region; });
}
std::string heads(const transition_plan& p) {
  return names(p, [](const auto& c) { return c.is_head; });
}
std::string with(const transition_plan& p, operator_action action) {
  return names(p, [&](const auto& c) { return c.action == action; });
}

/// A plan that replaces the only operator, from one state to another.
transition_plan state_plan(std::uint64_t from, schema_set old_schemas, std::uint64_t to,
                           schema_set new_schemas) {
  return make_plan(builder().op("kv", "kv", 1).state(from, from ? 1 : 0, std::move(old_schemas)),
                   builder().op("kv", "kv", 2).state(to, to ? 2 : 0, std::move(new_schemas)));
}

typed_graph random_graph(std::mt19937_64& random) {
  builder b;
  std::vector<std::string> present;
  for (int i = 0; i < 8; ++i) {
    if (random() % 4 == 0) continue;
    present.push_back("op" + std::to_string(i));
    b.op(present.back(), "x", 1 + static_cast<std::uint32_t>(random() % 2));
    if (random() % 4 == 0) b.set("size", static_cast<std::int64_t>(random() % 2));
    if (random() % 6 == 0) b.splits();
  }
  for (std::size_t i = 0; i < present.size(); ++i)
    for (std::size_t j = i + 1; j < present.size(); ++j)
      if (random() % 3 == 0) {
        b.arc(present[i], present[j], 8 + random() % 2);
        if (random() % 3 == 0)
          b.arc(present[j], present[i], 8, static_cast<feedback_policy>(1 + random() % 2));
      }
  return b;
}

/// s -> a -> b -> c -> t with b -> x, and back from c to a; x comes from outside if there.
builder loop(feedback_policy feedback, std::uint32_t b_version = 1, bool side = false) {
  builder g;
  g.op("s").op("a").op("b", "x", b_version).op("c").op("t");
  if (side) g.op("side");
  g.arc("s", "a").arc("a", "b").arc("b", "c").arc("c", "t").arc("c", "a", 8, feedback);
  if (side) g.arc("side", "b");
  return g;
}

std::string draining(const transition_plan& p) {
  return names(p, [](const auto& c) { return c.drains; });
}

} // namespace

TEST_CASE("two equal graphs differ in nothing") {
  const auto p = make_plan(http(), http());
  CHECK(p.empty());
  CHECK_FALSE(p.refused());
  CHECK(region(p) == "");
  CHECK(to_text(p) == "No change.\n");
  CHECK(make_plan(builder(), builder()).empty());
}

TEST_CASE("the NIO switch replaces two operators and crosses the one between them") {
  const auto p = make_plan(http(), http(2, 2));
  CHECK_FALSE(p.empty());
  CHECK(with(p, operator_action::replace) == "load reply");
  CHECK(region(p) == "load compose reply");
  CHECK(heads(p) == "load");
  CHECK(change_of(p, "load").old_reference == "http.load@1");
  CHECK(change_of(p, "load").new_reference == "http.load@2");
  CHECK_FALSE(change_of(p, "compose").participates());
  CHECK(p.arcs[2].in_region);
  CHECK_FALSE(p.arcs[1].in_region);
  CHECK(to_text(p) == "Operators\n"
                      "  ~ load   http.load@1 -> http.load@2\n"
                      "      state: stateless\n"
                      "  ~ reply  http.reply@1 -> http.reply@2\n"
                      "      state: stateless\n"
                      "Markers\n"
                      "  enter at  load\n"
                      "  cross     load, compose, reply\n"
                      "\n"
                      "Plan: 0 to add, 2 to change, 0 to remove.\n");
}

TEST_CASE("other settings or another error policy replace an operator, and are listed") {
  const auto before = builder().op("a").set("port", std::int64_t{80}).set("old", true);
  const auto after = builder()
                         .op("a")
                         .set("port", std::int64_t{81})
                         .set("new", 0.5)
                         .on_error({error_strategy::resume, 3, std::chrono::milliseconds(1500)});
  const auto p = make_plan(before, after);
  CHECK(with(p, operator_action::replace) == "a");
  CHECK(change_of(p, "a").settings ==
        std::vector<std::string>{"new: (none) -> 0.5", "port: 80 -> 81", "old: true -> (none)",
                                 "on_error: restart, 10 in 10 s -> resume, 3 in 1.5 s"});
  CHECK(to_text(p).find("  ~ a  x@1\n      state: stateless\n      new: (none) -> 0.5\n") !=
        std::string::npos);
}

TEST_CASE("state goes to a successor whose schema can read it") {
  const auto up = state_plan(kv_id, kv_1, kv_id, kv_2);
  CHECK_FALSE(up.refused());
  CHECK(change_of(up, "kv").transfers_state);
  CHECK(change_of(up, "kv").state_format == "kv.capnp:State v1 -> v2 (Cap'n Proto)");
  CHECK(change_of(state_plan(kv_id, kv_2, kv_id, kv_1), "kv").transfers_state);
  const auto fresh = state_plan(0, {}, kv_id, kv_1);
  CHECK_FALSE(fresh.refused());
  CHECK_FALSE(change_of(fresh, "kv").transfers_state);
  CHECK(change_of(fresh, "kv").state_format == "starts empty");
  CHECK(change_of(state_plan(0, {}, 0, {}), "kv").state_format == "stateless");
}

TEST_CASE("a plan that would drop or misread state is refused, naming operator and remedy") {
  const auto refusal = [](const transition_plan& p) {
    REQUIRE(p.refusals.size() == 1);
    CHECK(p.refused());
    CHECK_FALSE(p.empty());
    CHECK(p.refusals[0].code == errc::incompatible);
    CHECK(p.refusals[0].message.find('\n') == std::string::npos);
    return p.refusals[0].message;
  };
  const std::string start = "operator 'kv': the state of kv@1 cannot go to kv@2: ";
  CHECK(refusal(state_plan(kv_id, kv_1, 0, {})) ==
        start + "the new version keeps none and would drop it; give it a state schema, or give it "
                "up with "
                "--drop-state kv");
  CHECK(refusal(state_plan(kv_id, kv_1, other_id, other)).find(start) == 0);
  CHECK(refusal(state_plan(kv_id, kv_1, kv_id, kv_odd)).find(start) == 0);
  const auto text = to_text(state_plan(kv_id, kv_1, 0, {}));
  CHECK(text.starts_with("Operators\n  ~ kv  kv@1 -> kv@2\nMarkers\n"));
  CHECK(text.find("Refused\n  ! " + start) != std::string::npos);
  CHECK(text.ends_with("\n\nRefused: nothing would change.\n"));
  const auto up = to_text(state_plan(kv_id, kv_1, kv_id, kv_2));
  CHECK(up.find("      state: kv.capnp:State v1 -> v2 (Cap'n Proto)\n") != std::string::npos);
}

TEST_CASE("every refusal is told") {
  builder before, after;
  before.op("a").state(kv_id, 1, kv_1).op("b").state(kv_id, 1, kv_1);
  after.op("a", "x", 2).op("b", "x", 2);
  CHECK(make_plan(before, after).refusals.size() == 2);
}

TEST_CASE("an operator put on an arc rewires its neighbours, which keep their instances") {
  auto before = builder().op("s").op("a").op("b").arc("s", "a").arc("a", "b");
  auto after = builder().op("s").op("a").op("b").op("cache");
  after.arc("s", "a").arc("a", "cache").arc("cache", "b");
  const auto p = make_plan(before, after);
  CHECK(with(p, operator_action::add) == "cache");
  CHECK(with(p, operator_action::keep) == "s a b");
  CHECK(names(p, [](const auto& c) { return c.participates(); }) == "a b cache");
  CHECK(region(p) == "a b");
  CHECK(heads(p) == "a");
  CHECK(to_text(p) == "Operators\n"
                      "  ~ a      x@1, arcs change\n"
                      "  ~ b      x@1, arcs change\n"
                      "  + cache  x@1\n"
                      "Arcs\n"
                      "  - a.out -> b.in  [8]\n"
                      "  + a.out -> cache.in  [8]\n"
                      "  + cache.out -> b.in  [8]\n"
                      "Markers\n"
                      "  enter at  a\n"
                      "  cross     a, b\n"
                      "\n"
                      "Plan: 1 to add, 2 to change, 0 to remove (arcs: 2 to add, 1 to remove).\n");
}

TEST_CASE("what ends with its state is told, and so is from whom a renamed one has it") {
  builder before, after;
  before.op("a").state(kv_id, 1, kv_1).op("b", "kv", 1).state(kv_id, 1, kv_1);
  after.op("c", "kv", 2).was("b").state(kv_id, 2, kv_2);
  CHECK(to_text(make_plan(before, after)) ==
        "Operators\n"
        "  - a  x@1\n"
        "      state: ends with it: kv.capnp:State\n"
        "  ~ c  kv@1 -> kv@2, renamed from b\n"
        "      state: kv.capnp:State v1 -> v2 (Cap'n Proto), from b\n"
        "Markers\n"
        "  enter at  a, b\n"
        "  cross     a, b\n"
        "\n"
        "Plan: 0 to add, 1 to change, 1 to remove.\n");
}

TEST_CASE("a difference has the same notation, but neither states nor markers") {
  const typed_graph before = http(), after = http(2, 1);
  const auto by = trace_lineage(before.content, after.content);
  const auto d = difference(before.content, after.content, by);
  CHECK(d.changes());
  CHECK(difference_text(d) == "Operators\n"
                              "  ~ load  http.load@1 -> http.load@2\n"
                              "\n"
                              "Difference: 0 to add, 1 to change, 0 to remove.\n");
  CHECK(difference_text(difference(before.content, before.content, by)) == "No difference.\n");
}

TEST_CASE("graphs that no check would accept are compared all the same") {
  graph odd = static_cast<typed_graph>(http()).content;
  odd.arcs.push_back({"ghost", "", "load", "", 8, 0});
  odd.arcs.push_back({"load", "out", "phantom", "in", 8, 0});
  odd.operators.push_back(odd.operators[0]);
  const graph good = static_cast<typed_graph>(http()).content;
  for (const auto& [from, to] : {std::pair(good, odd), std::pair(odd, good), std::pair(odd, odd)}) {
    const auto text = difference_text(difference(from, to, trace_lineage(from, to)));
    CHECK_FALSE(text.empty());
  }
  const auto text = difference_text(difference(good, odd, trace_lineage(good, odd)));
  CHECK(text.find("  + ghost -> load  [8]\n") != std::string::npos);
}

TEST_CASE("what a file leaves out of operators whose types are unknown is no difference") {
  const typed_graph running = builder()
                                  .op("s")
                                  .op("load", "http.load")
                                  .set("root", std::string("/srv"))
                                  .set("limit", std::int64_t{5})
                                  .arc("s", "load");
  graph_check check; // of a file that no module fits
  check.types = {{"s", {}}};
  auto file = running.content;
  file.operators[1].version = 9;
  file.operators[1].values = {};
  file.operators[1].values.set("root", std::string("/www"));
  file.arcs[0].to_port.clear();
  const auto by = trace_lineage(running.content, file);
  complete_from(file, check, running.content, by);
  CHECK(difference_text(difference(running.content, file, by)) ==
        "Operators\n"
        "  ~ load  http.load@1 -> http.load@9\n"
        "      root: /srv -> /www\n"
        "\n"
        "Difference: 0 to add, 1 to change, 0 to remove.\n");
  // With two arcs that it may be, nothing is guessed.
  auto doubled = running.content;
  doubled.arcs.push_back({"s", "more", "load", "in", 8, 0});
  auto open = running.content;
  open.arcs[0].from_port.clear();
  complete_from(open, {}, doubled, by);
  CHECK(open.arcs[0].from_port.empty());
}

TEST_CASE("an arc with other credits is another arc") {
  const auto p = make_plan(builder().op("a").op("b").arc("a", "b", 8),
                           builder().op("a").op("b").arc("a", "b", 16));
  REQUIRE(p.arcs.size() == 2);
  CHECK(p.arcs[0].action == arc_action::remove);
  CHECK(p.arcs[1].action == arc_action::add);
  CHECK(p.arcs[1].arc.capacity == 16);
  CHECK(region(p) == "a b");
  CHECK_FALSE(p.empty());
}

TEST_CASE("a loop that is handed over keeps the region as if it were none") {
  const auto p = make_plan(loop(feedback_policy::hand_over), loop(feedback_policy::hand_over, 2));
  CHECK(region(p) == "b");
  CHECK(draining(p) == "");
  CHECK(std::none_of(p.arcs.begin(), p.arcs.end(),
                     [](const arc_change& a) { return a.drain != drain_part::none; }));
}

TEST_CASE("a loop that is drained is all in the region, and so is what leads in elsewhere") {
  const auto p = make_plan(loop(feedback_policy::drain), loop(feedback_policy::drain, 2));
  CHECK(region(p) == "a b c");
  CHECK(draining(p) == "a");
  CHECK(to_text(p).find("  wait for the loops to be empty at  a\n") != std::string::npos);
  const auto entered =
      make_plan(loop(feedback_policy::drain, 1, true), loop(feedback_policy::drain, 2, true));
  CHECK(region(entered) == "a b c side");
  CHECK(draining(entered) == "a");
  for (const auto& a : entered.arcs) {
    CAPTURE(a.arc.name());
    const bool entrance = a.arc.from == "side";
    const bool inside = a.arc.from != "s" && a.arc.to != "t" && !entrance;
    CHECK(a.drain == (inside     ? drain_part::inside
                      : entrance ? drain_part::entrance
                                 : drain_part::none));
    CHECK((a.in_region && a.arc.feedback != feedback_policy::none) == false);
  }
}

TEST_CASE("another policy is another arc, and a feedback arc that goes is drained") {
  const auto p = make_plan(loop(feedback_policy::hand_over), loop(feedback_policy::drain));
  CHECK(std::count_if(p.arcs.begin(), p.arcs.end(),
                      [](const auto& a) { return a.action == arc_action::remove; }) == 1);
  CHECK(to_text(p).find("  - c.out -> a.in  [8]  (feedback: hand_over)\n"
                        "  + c.out -> a.in  [8]  (feedback: drain)\n") != std::string::npos);
  CHECK(draining(p) == "a");
}

TEST_CASE("operators that stay but are on other cycles take part, to learn of it") {
  builder open, closed;
  for (auto* g : {&open, &closed}) {
    g->op("s").op("a").op("b").op("c").op("t");
    g->arc("s", "a").arc("a", "b").arc("b", "c").arc("c", "t");
  }
  closed.arc("c", "a", 8, feedback_policy::hand_over);
  for (const auto& p : {make_plan(open, closed), make_plan(closed, open)})
    CHECK(names(p, [](const auto& c) { return c.participates(); }) == "a b c");
}

TEST_CASE("a renamed operator goes on with its arcs, its place and its state") {
  const auto before = builder().op("s").op("a").op("t").arc("s", "a").arc("a", "t");
  const auto after = builder().op("s").op("b").was("a").op("t").arc("s", "b").arc("b", "t");
  const auto p = make_plan(before, after);
  CHECK_FALSE(p.refused());
  CHECK(with(p, operator_action::keep) == "s b t");
  CHECK(change_of(p, "b").old_name == "a");
  CHECK(names(p, [](const auto& c) { return c.participates(); }) == "b");
  CHECK(region(p) == "b");
  REQUIRE(p.arcs.size() == 2);
  for (const auto& a : p.arcs) CHECK(a.action == arc_action::keep);
  CHECK(p.arcs[1].arc.name() == "b.out -> t.in");
  CHECK(p.arcs[1].before() == "a.out -> t.in");
  CHECK(to_text(p).find("renamed from a") != std::string::npos);
  CHECK(make_plan(after, after).empty());

  builder kv_before, kv_after;
  kv_before.op("a", "kv", 1).state(kv_id, 1, kv_1);
  kv_after.op("b", "kv", 2).was("a").state(kv_id, 2, kv_2);
  const auto moved = make_plan(kv_before, kv_after);
  CHECK(change_of(moved, "b").action == operator_action::replace);
  CHECK(change_of(moved, "b").old_name == "a");
  CHECK(change_of(moved, "b").transfers_state);
}

TEST_CASE("a `was` is followed if what it names would end, passed over if all runs as wanted") {
  const auto plan = [](const builder& before, const builder& after) {
    const auto p = make_plan(before, after);
    CHECK_FALSE(p.refused());
    std::string text;
    for (const auto& c : p.operators) {
      const bool removed = c.action == operator_action::remove;
      const auto from = c.action == operator_action::add ? "" : c.before();
      text += (text.empty() ? "" : " ") + from + ">" + (removed ? "" : c.name);
    }
    return text;
  };
  // A new operator under the old name; then the same file again.
  const auto fresh_a = builder().op("b").was("a").op("a");
  CHECK(plan(builder().op("a"), fresh_a) == "a>b >a");
  CHECK(plan(builder().op("a").op("b"), fresh_a) == "a>a b>b");
  // The name was somebody else's, who ends.
  CHECK(plan(builder().op("a").op("b"), builder().op("b").was("a")) == "a>b b>");
  // One frees the name for the next, in whichever order they stand.
  CHECK(plan(builder().op("a").op("b"), builder().op("c").was("b").op("b").was("a")) == "a>b b>c");
  CHECK(plan(builder().op("a").op("b"), builder().op("b").was("a").op("c").was("b")) == "a>b b>c");
  CHECK(plan(builder().op("b").op("c"), builder().op("b").was("a").op("c").was("b")) == "b>b c>c");
  // A start from nothing knows no former names.
  CHECK(plan(builder(), builder().op("b").was("a")) == ">b");
}

TEST_CASE("a `was` that cannot be followed is refused with the reason") {
  const auto none = make_plan(builder().op("fetch").op("x"), builder().op("get").was("fetsh"));
  REQUIRE(none.refusals.size() == 1);
  CHECK(none.refusals[0].code == errc::not_found);
  CHECK(none.refusals[0].message ==
        "operator 'get': was = \"fetsh\" names no operator of the running graph; leave it out to "
        "start 'get' anew; did you mean 'fetch'?");
  const auto twice =
      make_plan(builder().op("a"), builder().op("b").was("a").op("c").was("a")).refusals;
  REQUIRE(twice.size() == 1);
  CHECK(twice[0].message.find("'c'") != std::string::npos);
  CHECK(twice[0].message.find("another one goes on from") != std::string::npos);
}

TEST_CASE(
    "however operators are renamed, no two go on from one, and applying it again is no change") {
  std::mt19937_64 random(5);
  const auto name = [&] { return std::string(1, static_cast<char>('a' + random() % 5)); };
  for (int i = 0; i < 5'000; ++i) {
    graph running, wanted;
    for (const auto* n : {"a", "b", "c", "d"}) {
      if (random() % 2) running.operators.push_back({n, "x", 1, {}, {}, 0, {}});
      if (random() % 3)
        wanted.operators.push_back({n, "x", 1, {}, {}, 0, random() % 2 ? name() : ""});
    }
    const auto found = trace_lineage(running, wanted);
    std::set<std::string> used;
    for (const auto& [after, before] : found.old_names) {
      CHECK(wanted.find(after));
      CHECK(running.find(before));
      CHECK(used.insert(before).second);
      CHECK((after == before || wanted.find(after)->was == before));
    }
    // Nobody who runs under its name loses it for nothing.
    for (const auto& op : wanted.operators)
      if (running.find(op.name) && !found.old_names.count(op.name)) CHECK(used.count(op.name));
    if (!found.refusals.empty()) continue;
    const auto again = trace_lineage(wanted, wanted);
    CHECK(again.refusals.empty());
    for (const auto& [after, before] : again.old_names) CHECK(after == before);
    CHECK(again.old_names.size() == wanted.operators.size());
  }
}

TEST_CASE("a start adds everything and sends no markers") {
  const auto p = make_plan({}, http());
  CHECK(with(p, operator_action::add) == "accept parse load compose reply");
  CHECK(region(p) == "");
  for (const auto& a : p.arcs) CHECK(a.action == arc_action::add);
}

TEST_CASE("a stop removes everything, from the sources on") {
  const auto p = make_plan(http(), {});
  CHECK(with(p, operator_action::remove) == "accept parse load compose reply");
  CHECK(region(p) == "accept parse load compose reply");
  CHECK(heads(p) == "accept");
  for (const auto& a : p.arcs) CHECK((a.action == arc_action::remove && a.in_region));
}

TEST_CASE("an operator that splits requests above a change is crossed, too") {
  auto graph = [](std::uint32_t version) {
    return builder()
        .op("s")
        .op("split")
        .splits()
        .op("a", "x", version)
        .arc("s", "split")
        .arc("split", "a");
  };
  CHECK(region(make_plan(graph(1), graph(2))) == "split a");
}

TEST_CASE("a plan between any two graphs leads from the one to the other") {
  std::mt19937_64 random(21);
  for (int i = 0; i < 3'000; ++i) {
    const auto before = random_graph(random), after = random_graph(random);
    const auto p = make_plan(before, after);
    REQUIRE_FALSE(p.refused());
    CHECK(make_plan(after, after).empty());

    std::map<std::string, std::string> operators, wanted_operators;
    for (const auto& op : before.content.operators) operators[op.name] = op.reference();
    for (const auto& op : after.content.operators) wanted_operators[op.name] = op.reference();
    for (const auto& c : p.operators) {
      if (c.action == operator_action::remove) operators.erase(c.name);
      if (c.action == operator_action::add) CHECK(operators.count(c.name) == 0);
      if (c.action == operator_action::add || c.action == operator_action::replace)
        operators[c.name] = c.new_reference;
    }
    CHECK(operators == wanted_operators);

    std::map<std::string, std::size_t> arcs, wanted_arcs;
    for (const auto& a : before.content.arcs) arcs[a.name()] = a.capacity;
    for (const auto& a : after.content.arcs) wanted_arcs[a.name()] = a.capacity;
    for (const auto& c : p.arcs) {
      if (c.action == arc_action::remove) arcs.erase(c.arc.name());
      if (c.action == arc_action::add) CHECK(arcs.emplace(c.arc.name(), c.arc.capacity).second);
    }
    CHECK(arcs == wanted_arcs);

    for (const auto& c : p.operators) {
      const bool old = c.action != operator_action::add;
      if (old && c.participates()) CHECK(c.in_region);
      if (!old) CHECK_FALSE(c.in_region);
      if (c.is_head) CHECK(c.in_region);
    }
    for (const auto& c : p.arcs) {
      if (c.in_region) CHECK(c.action != arc_action::add);
      if (c.action != arc_action::keep) {
        CHECK(change_of(p, c.arc.from).arcs_change);
        CHECK(change_of(p, c.arc.to).arcs_change);
      }
    }
    CHECK(nlohmann::json::parse(to_json(p))["operators"].size() == p.operators.size());
  }
}

TEST_CASE("a plan as JSON has all that its text has") {
  const auto j = nlohmann::json::parse(to_json(make_plan(http(), http(2, 1))));
  CHECK(j["changes"] == true);
  CHECK(j["refused"] == false);
  CHECK(j["operators"].size() == 5);
  const auto& load = j["operators"][2];
  CHECK(load["name"] == "load");
  CHECK(load["action"] == "replace");
  CHECK(load["old"] == "http.load@1");
  CHECK(load["new"] == "http.load@2");
  CHECK(load["in_region"] == true);
  CHECK(load["is_head"] == true);
  CHECK(j["arcs"][0] == nlohmann::json{{"name", "accept.out -> parse.in"},
                                       {"old_name", "accept.out -> parse.in"},
                                       {"action", "keep"},
                                       {"in_region", false}});
  const auto refused = nlohmann::json::parse(to_json(state_plan(kv_id, kv_1, 0, {})));
  CHECK(refused["refused"] == true);
  CHECK(refused["refusals"].size() == 1);
  CHECK(refused["summary"] == nlohmann::json{{"add", 0}, {"change", 1}, {"remove", 0}});
}
