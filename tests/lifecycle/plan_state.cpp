#include "actors/replicas.hpp"
#include "lifecycle/plan.hpp"
#include "lifecycle/plan_text.hpp"
#include "lifecycle/planner.hpp"

#include "made_schemas.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <utility>
#include <vector>

using namespace instar;
using test::field;
using test::made_schemas;

namespace {

constexpr std::uint64_t id(unsigned n) { return 0xf000'0000'0000'0000 + n; }
/// Part schemas, by version.
constexpr std::uint64_t part(unsigned n) { return id(100 + n); }

operator_description type(const std::string& name, std::uint32_t version) {
  operator_description d;
  d.name = name;
  d.version = version;
  return d;
}

/// Version `n` of an operator that keeps its state in schema `n`, and brings the converters from
/// the one before it and back.
operator_description kv(std::uint32_t n) {
  auto d = type("kv", n);
  d.state_schema = id(n);
  d.state_version = 1;
  d.schemas = schema_set();
  if (n > 1) d.converters = {{id(n - 1), id(n)}, {id(n), id(n - 1)}};
  return d;
}

plan_knowledge versions(std::uint32_t to) {
  plan_knowledge known;
  for (std::uint32_t n = 1; n <= to; ++n) known.versions.push_back(kv(n));
  return known;
}

typed_graph only(const operator_description& type, const std::string& name = "kv") {
  typed_graph g;
  g.content.operators.push_back({name, type.name, type.version, {}, {}, 0});
  g.types.emplace(name, type);
  return g;
}

transition_plan plan(const operator_description& from, const operator_description& to,
                     const plan_knowledge& known = {}) {
  const auto before = only(from), after = only(to);
  return make_plan(before, after, trace_lineage(before.content, after.content), known);
}

const operator_change& change(const transition_plan& p) {
  REQUIRE_FALSE(p.refused());
  REQUIRE(p.operators.size() == 1);
  return p.operators[0];
}

std::string refusal(const transition_plan& p) {
  REQUIRE(p.refusals.size() == 1);
  CHECK(p.refusals[0].message.find('\n') == std::string::npos);
  return p.refusals[0].message;
}

std::string steps(const state_route& route) {
  std::string text;
  for (const auto& s : route.converters)
    text += (text.empty() ? "" : " ") + s.reference() + ":" + std::to_string(s.from - id(0)) + ">" +
            std::to_string(s.to - id(0));
  return text;
}

bool has(const std::string& text, const std::string& what) {
  return text.find(what) != std::string::npos;
}

} // namespace

TEST_CASE("two versions that say the same native state and layout hand the object over") {
  auto from = kv(1), to = kv(2);
  from.native = to.native = {"kv.table", 7};
  from.part_schema = part(1);
  const auto p = plan(from, to, versions(2));
  const auto& c = change(p);
  CHECK(c.native);
  CHECK(c.transfers_state);
  CHECK_FALSE(c.state_by.moves());
  CHECK_FALSE(c.parts_by.moves());
  CHECK(c.state_format == "handed over as it is (kv.table)");
  CHECK(has(to_text(p), "      state: handed over as it is (kv.table)\n"));

  from.part_schema = 0;
  to.native.layout = 8;
  CHECK_FALSE(change(plan(from, to, versions(2))).native);
  to.native = {"kv.other", 7};
  CHECK_FALSE(change(plan(from, to, versions(2))).native);
  // Without a layout nothing is handed over, whatever the name.
  from.native = to.native = {"kv.table", 0};
  CHECK_FALSE(change(plan(from, to, versions(2))).native);
}

TEST_CASE("state goes through the converters of all versions in between, up and down") {
  const auto known = versions(5);
  const auto p = plan(kv(1), kv(5), known);
  const auto& up = change(p);
  CHECK(up.transfers_state);
  CHECK(up.state_by.written == id(1));
  CHECK(up.state_by.read == id(5));
  CHECK(steps(up.state_by) == "kv@2:1>2 kv@3:2>3 kv@4:3>4 kv@5:4>5");
  CHECK(has(up.state_format, "(Cap'n Proto, converted by kv@2, kv@3, kv@4, kv@5)"));
  CHECK(steps(change(plan(kv(4), kv(2), known)).state_by) == "kv@4:4>3 kv@3:3>2");
  const auto json = nlohmann::json::parse(to_json(p));
  CHECK(json["operators"][0]["converters"] == nlohmann::json{"kv@2", "kv@3", "kv@4", "kv@5"});
  CHECK(json["operators"][0]["native"] == false);
  CHECK(json["operators"][0]["drops_state"] == false);
}

TEST_CASE("a version that is missing in between leaves no way") {
  auto known = versions(5);
  known.versions.erase(known.versions.begin() + 2);
  const auto why = refusal(plan(kv(1), kv(5), known));
  CHECK(why.starts_with("operator 'kv': the state of kv@1 cannot go to kv@5: no converter leads "));
  CHECK(has(why, "`instarctl scaffold kv@1 kv@5` writes a skeleton"));
  CHECK(has(why, "--drop-state kv"));
  CHECK(steps(change(plan(kv(1), kv(2), known)).state_by) == "kv@2:1>2");
}

TEST_CASE("converters of operators that have nothing to do with it are not used") {
  auto known = versions(1);
  auto stranger = kv(2);
  stranger.name = "other";
  known.versions.push_back(stranger);
  CHECK(plan(kv(1), kv(2), known).refused());
  // But those of either type are, if one becomes the other.
  CHECK(steps(change(plan(kv(1), stranger, known)).state_by) == "other@2:1>2");
}

TEST_CASE("the old side's exports and the new one's imports are as good as their cost") {
  auto from = kv(1), to = kv(2);
  from.exports = {{id(2), 3}};
  const auto exported = plan(from, to, versions(2));
  CHECK(change(exported).state_by.written == id(2));
  CHECK(change(exported).state_by.read == id(2));
  CHECK(steps(change(exported).state_by).empty());
  from.exports = {{id(2), 99}};
  CHECK(steps(change(plan(from, to, versions(2))).state_by) == "kv@2:1>2");
  from.exports = {};
  to.imports = {{id(1), 4}};
  CHECK(change(plan(from, to, versions(2))).state_by.read == id(1));
  // Who keeps none by itself may import what others keep.
  to.state_schema = 0;
  CHECK(change(plan(from, to)).state_by.read == id(1));
}

TEST_CASE("keyed state has a way of its own") {
  auto from = kv(1), to = kv(2);
  from.part_schema = part(1);
  to.part_schema = part(2);
  auto known = versions(2);
  CHECK(has(refusal(plan(from, to, known)),
            "operator 'kv': the keyed state of kv@1 cannot go to kv@2: no converter leads"));
  known.versions[1].converters.push_back({part(1), part(2)});
  const auto p = plan(from, to, known);
  const auto& c = change(p);
  CHECK(steps(c.state_by) == "kv@2:1>2");
  CHECK(steps(c.parts_by) == "kv@2:101>102");
  CHECK(has(c.state_format, "; "));
  CHECK(c.state_format.ends_with("(Cap'n Proto, converted by kv@2) in parts"));
  CHECK(nlohmann::json::parse(to_json(p))["operators"][0]["part_converters"] ==
        nlohmann::json{"kv@2"});

  from.state_schema = to.state_schema = 0;
  const auto alone = plan(from, to, known);
  CHECK(change(alone).transfers_state);
  CHECK_FALSE(change(alone).state_by.moves());
  CHECK(change(alone).parts_by.moves());
  to.part_schema = 0;
  CHECK(has(refusal(plan(from, to, known)), "has no keyed state and would drop it"));
  CHECK(change(plan(type("kv", 1), to)).state_format == "stateless");
  from.part_schema = 0;
  to.part_schema = part(2);
  CHECK(change(plan(from, to)).state_format == "starts empty");
}

TEST_CASE("the failure names the field in which two versions of a schema differ") {
  auto from = kv(1), to = kv(1);
  to.version = 2;
  from.schemas = made_schemas(id(1), "kv.capnp:State", {field::number});
  to.schemas = made_schemas(id(1), "kv.capnp:State", {field::text});
  CHECK(has(refusal(plan(from, to)), "field 'f0'"));
}

TEST_CASE("state is dropped only with consent by name, and the plan says so") {
  auto known = versions(1);
  known.drop_state = {"kv"};
  const auto p = plan(kv(1), type("kv", 2), known);
  const auto& c = change(p);
  CHECK(c.drops_state);
  CHECK_FALSE(c.transfers_state);
  CHECK(c.state_format.starts_with("DROPPED: "));
  CHECK(has(to_text(p), "      state: DROPPED: "));
  CHECK(summary(p) == "kv: kv@1 -> kv@2 (state DROPPED)");
  CHECK(nlohmann::json::parse(to_json(p))["operators"][0]["drops_state"] == true);

  known.drop_state = {"kw"};
  const auto other = plan(kv(1), type("kv", 2), known);
  CHECK(has(refusal(other), "give it a state schema"));
}

TEST_CASE("of two kinds of state the one may be dropped and the other kept") {
  auto from = kv(1), to = kv(2);
  from.part_schema = part(1);
  auto known = versions(2);
  known.drop_state = {"kv"};
  const auto p = plan(from, to, known);
  CHECK(change(p).drops_state);
  CHECK(change(p).transfers_state);
  CHECK(change(p).state_by.moves());
  CHECK_FALSE(change(p).parts_by.moves());
  CHECK(has(change(p).state_format, "; DROPPED: "));
}

TEST_CASE("consent where nothing is dropped is refused, naming whom it was for") {
  auto known = versions(2);
  known.drop_state = {"kv"};
  CHECK(refusal(plan(kv(1), kv(2), known)) ==
        "operator 'kv' drops no state; leave --drop-state kv out");
  known.drop_state = {"kx"};
  CHECK(has(refusal(plan(kv(1), kv(2), known)), "operator 'kx', whose state may be dropped, is "));
  // Whose place ends loses its state with it: that may be said, too.
  known.drop_state = {"kv"};
  const auto before = only(kv(1));
  CHECK_FALSE(make_plan(before, {}, trace_lineage(before.content, {}), known).refused());
}

namespace {

/// Runs `kv@1` from a library of versions.
struct service_of_kv {
  host_library library;
  graph_versions running{5};
  planner by{library, running};

  explicit service_of_kv(std::uint32_t to) {
    for (std::uint32_t n = 1; n <= to; ++n) library.add(kv(n), {});
    library.add(type("none", 1), {});
    running.commit(1, by.make(only(kv(1)).content));
  }
  std::vector<operator_update> update(std::uint32_t version) const {
    return {{"kv", "kv", version}};
  }
};

} // namespace

TEST_CASE("a planner knows the versions that its library has") {
  service_of_kv s(4);
  CHECK(steps(change(s.by.make(s.update(4)).plan).state_by) == "kv@2:1>2 kv@3:2>3 kv@4:3>4");
  const auto whole = s.by.make(only(kv(4)).content);
  CHECK(steps(change(whole.plan).state_by) == "kv@2:1>2 kv@3:2>3 kv@4:3>4");
}

TEST_CASE("consent reaches the plan of whatever is asked for") {
  service_of_kv s(1);
  const std::vector<operator_update> away = {{"kv", "none", 1}};
  const auto graph = only(type("none", 1)).content;
  CHECK(s.by.make(away).plan.refused());
  CHECK(s.by.make(graph).plan.refused());
  CHECK(change(s.by.make(away, {"kv"}).plan).drops_state);
  CHECK(change(s.by.make(graph, {"kv"}).plan).drops_state);
  CHECK(has(refusal(s.by.make(away, {"kv", "x"}).plan), "'x'"));
}

// -- keyed replicas -------------------------------------------------------------------------------

namespace {

typed_graph replicated(const operator_description& type, std::uint32_t replicas) {
  typed_graph g = only(type);
  g.content.operators[0].replicas = replicas;
  g.content = expand_replicas(g.content);
  g.types.clear();
  for (const auto& op : g.content.operators) g.types.emplace(op.name, type);
  return g;
}

transition_plan scale(const operator_description& from, std::uint32_t before,
                      const operator_description& to, std::uint32_t after,
                      const plan_knowledge& known = {}) {
  const auto running = replicated(from, before), wanted = replicated(to, after);
  return make_plan(running, wanted, trace_lineage(running.content, wanted.content), known);
}

operator_description keyed(std::uint32_t version) {
  auto d = type("kv", version);
  d.part_schema = part(1);
  return d;
}

} // namespace

TEST_CASE("keyed state goes from each old replica to each new one") {
  const auto p = scale(keyed(1), 2, keyed(1), 3);
  REQUIRE_FALSE(p.refused());
  REQUIRE(p.operators.size() == 5);
  const std::vector<std::string> before{"kv:0/2", "kv:1/2"}, after{"kv:0/3", "kv:1/3", "kv:2/3"};
  for (const auto& op : p.operators) {
    CHECK(op.transfers_state);
    if (op.action == operator_action::remove) {
      CHECK(op.heirs == after);
      CHECK(op.parts == part_transfer::pre_copy);
    } else {
      CHECK(op.action == operator_action::add);
      CHECK(op.state_from == before);
      CHECK(op.parts_by.written == part(1));
    }
  }
  CHECK(summary(p) == "kv: 2 -> 3 replicas");
}

TEST_CASE("to change nothing but the version of replicas replaces each") {
  const auto p = scale(keyed(1), 3, keyed(2), 3);
  REQUIRE_FALSE(p.refused());
  REQUIRE(p.operators.size() == 3);
  for (const auto& op : p.operators) CHECK(op.action == operator_action::replace);
}

TEST_CASE("state without keys refuses another number of replicas, unless it is given up") {
  auto both = keyed(1);
  both.state_schema = id(1);
  CHECK(has(refusal(scale(both, 1, both, 4)), "operator 'kv' (kv@1) cannot go from 1 to 4"));
  auto native = type("kv", 1);
  native.native = {"kv.table", 7};
  CHECK(has(refusal(scale(native, 4, native, 1)), "handed over as one object"));

  plan_knowledge known;
  known.drop_state = {"kv"};
  const auto p = scale(both, 1, both, 4, known);
  REQUIRE_FALSE(p.refused());
  CHECK(summary(p) == "kv: 1 -> 4 replicas (state DROPPED)");
  // What has keys goes over all the same.
  CHECK(p.operators[0].heirs.size() == 4);
}

TEST_CASE("without state a number of replicas is free to change") {
  const auto none = type("kv", 1);
  const auto p = scale(none, 4, none, 2);
  REQUIRE_FALSE(p.refused());
  for (const auto& op : p.operators) CHECK_FALSE(op.transfers_state);
  plan_knowledge known;
  known.drop_state = {"kv"};
  CHECK(has(refusal(scale(none, 4, none, 2, known)), "drops no state"));
}

TEST_CASE("keyed state that the new version cannot read refuses the change, once") {
  auto to = type("kv", 2);
  CHECK(has(refusal(scale(keyed(1), 1, to, 2)), "cannot go from 1 to 2 replicas"));
}
