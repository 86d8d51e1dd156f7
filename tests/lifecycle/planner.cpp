#include "lifecycle/planner.hpp"

#include "actors/graph_text.hpp"
#include "lifecycle/live_graph.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <vector>

using namespace instar;

namespace {

using rng = std::mt19937_64;

std::size_t below(rng& random, std::size_t n) { return static_cast<std::size_t>(random() % n); }

/// Operator types `t0`, `t1`, … and `server`, in five versions. All inputs of version 1 take any
/// payload, and so they do in most others; what outputs carry, whether they pass on what comes,
/// splitting, settings and state differ. Of version 5 a port is missing.
host_library random_types(rng& random, std::size_t types) {
  host_library library;
  const auto payload = [&] { return below(random, 2) ? "p.x" : "p.y"; };
  for (std::size_t t = 0; t < types; ++t)
    for (std::uint32_t version = 1; version <= 5; ++version) {
      operator_description d;
      d.name = "t" + std::to_string(t);
      d.version = version;
      for (std::size_t i = 0; i < (t == 0 ? 0 : 1 + t % 2); ++i)
        d.inputs.push_back({"in" + std::to_string(i),
                            version > 1 && below(random, 4) == 0 ? payload() : "p", 0, -1});
      for (std::size_t i = 0; i < 1 + t % 3; ++i)
        d.outputs.push_back({"out" + std::to_string(i), payload(), 0,
                             d.inputs.empty() || below(random, 2) ? -1 : 0});
      if (version == 5) d.outputs.pop_back();
      if (below(random, 3) == 0)
        d.settings.push_back({"depth", setting_kind::integer, "3", false, ""});
      if (below(random, 6) == 0) d.settings.push_back({"wide", setting_kind::text, "", true, ""});
      d.splits = below(random, 4) == 0;
      // Type 4 asks, and has its answers at one of two inputs.
      if (t == 4) {
        d.outputs.push_back({"ask", "p", 0, -1, static_cast<int>(d.inputs.size())});
        d.inputs.push_back({version == 3 ? "heard" : "told", "p", 0, -1});
      }
      library.add(std::move(d), {});
    }
  for (std::uint32_t version = 1; version <= 5; ++version) {
    operator_description d;
    d.name = "server";
    d.version = version;
    d.inputs.push_back({"asked", "p", 0, -1, 0});
    d.outputs.push_back({version == 4 ? "reply" : "answer", payload(), 0, -1});
    library.add(std::move(d), {});
  }
  return library;
}

/// Of version 1 throughout.
graph random_graph(rng& random, std::size_t types) {
  graph g;
  g.name = "random";
  const auto n = 2 + below(random, 12);
  for (std::size_t i = 0; i < n; ++i) {
    operator_node op;
    op.name = "op" + std::to_string(i);
    op.type = "t" + std::to_string(i == 0 ? 0 : below(random, types));
    op.version = 1;
    g.operators.push_back(std::move(op));
  }
  const auto outputs = [&](std::size_t i) {
    return 1 + std::stoul(g.operators[i].type.substr(1)) % 3;
  };
  const auto inputs = [&](std::size_t i) -> std::size_t {
    const auto t = std::stoul(g.operators[i].type.substr(1));
    return t == 0 ? 0 : 1 + t % 2;
  };
  const auto arc = [&](std::size_t from, std::size_t to, std::size_t input,
                       feedback_policy policy) {
    arc_node a{"op" + std::to_string(from),
               "out" + std::to_string(below(random, outputs(from))),
               "op" + std::to_string(to),
               "in" + std::to_string(input),
               8,
               0,
               policy};
    const bool twice = std::any_of(g.arcs.begin(), g.arcs.end(),
                                   [&](const arc_node& b) { return b.name() == a.name(); });
    if (!twice) g.arcs.push_back(std::move(a));
  };
  for (std::size_t i = 1; i < n; ++i)
    for (std::size_t input = 0; input < inputs(i); ++input)
      for (std::size_t k = 0; k < 1 + below(random, 2); ++k)
        arc(below(random, i), i, input, feedback_policy::none);
  // Along any ordinary arc back: that closes a cycle.
  const auto ordinary = g.arcs.size();
  for (std::size_t a = 0; a < ordinary; ++a) {
    if (below(random, 8) != 0) continue;
    const auto from = std::stoul(g.arcs[a].to.substr(2)), to = std::stoul(g.arcs[a].from.substr(2));
    if (inputs(to) == 0) continue;
    arc(from, to, below(random, inputs(to)),
        below(random, 3) ? feedback_policy::hand_over : feedback_policy::drain);
  }
  // All that ask, ask one.
  const auto asking = g.operators;
  for (const auto& op : asking) {
    if (op.type != "t4") continue;
    if (!g.find("server")) g.operators.push_back({"server", "server", 1, {}, {}, 0, {}});
    g.arcs.push_back({op.name, "ask", "server", "asked", 4, 0});
  }
  return g;
}

std::set<std::string> lines(const transition_plan& plan) {
  std::set<std::string> found;
  for (const auto& r : plan.refusals) found.insert(r.message);
  return found;
}

std::string text(const operator_change& c) {
  std::string t = c.name + " " + c.old_reference + " " + c.new_reference + " " + c.state_format;
  for (const auto& s : c.settings) t += " " + s;
  for (const bool flag : {c.action == operator_action::replace, c.transfers_state, c.arcs_change,
                          c.in_region, c.is_head, c.drains})
    t += flag ? " 1" : " 0";
  return t;
}

/// What a plan says of those that it does something to or that markers cross.
std::set<std::string> concerned(const transition_plan& plan) {
  std::set<std::string> found;
  for (const auto& op : plan.operators)
    if (op.participates() || op.in_region) found.insert(text(op));
  for (const auto& a : plan.arcs)
    if (a.in_region || a.action != arc_action::keep || a.drain != drain_part::none)
      found.insert(a.arc.name() + (a.in_region ? " marked " : " ") +
                   std::to_string(static_cast<int>(a.drain)));
  return found;
}

/// The same arc; if the plan adds it, another of that name.
void check_same(const std::shared_ptr<arc>& a, const std::shared_ptr<arc>& b,
                const live_graph& in) {
  CHECK(a->name() == b->name());
  CHECK(a->capacity() == b->capacity());
  CHECK(a->feedback() == b->feedback());
  CHECK((a == b) == (in.arcs.count(a->name()) > 0));
}

std::set<std::string> content(const cycle_links& cycles, const live_graph& in) {
  std::set<std::string> found;
  for (const auto& f : cycles.feedback) found.insert(f->name());
  for (const auto& bell : cycles.members)
    for (const auto& [name, m] : in.members)
      if (m.place.bell == bell) found.insert(name);
  return found;
}

void check_same(const operator_links& a, const operator_links& b, const live_graph& in) {
  REQUIRE(a.in.size() == b.in.size());
  REQUIRE(a.out.size() == b.out.size());
  for (std::size_t i = 0; i < a.in.size(); ++i) {
    check_same(a.in[i].queue, b.in[i].queue, in);
    CHECK(a.in[i].port == b.in[i].port);
    CHECK(a.in[i].producer == b.in[i].producer);
    CHECK(a.in[i].outside == b.in[i].outside);
  }
  for (std::size_t i = 0; i < a.out.size(); ++i) {
    check_same(a.out[i].queue, b.out[i].queue, in);
    CHECK(a.out[i].port == b.out[i].port);
    CHECK(a.out[i].consumer == b.out[i].consumer);
  }
  REQUIRE((a.cycles == nullptr) == (b.cycles == nullptr));
  if (!a.cycles) return;
  CHECK(a.cycles->members.size() == b.cycles->members.size());
  CHECK(content(*a.cycles, in) == content(*b.cycles, in));
}

graph with(graph g, const std::vector<operator_update>& updates) {
  for (const auto& u : updates)
    for (auto& op : g.operators)
      if (op.name == u.name) {
        op.type = u.type;
        op.version = u.version;
      }
  return g;
}

} // namespace

TEST_CASE("an exchange is planned from a part of the graph as it would be from the whole") {
  rng random(20);
  std::size_t planned_ones = 0, refused = 0, parts = 0, on_cycles = 0, rewired = 0;
  for (int round = 0; round < 1'500; ++round) {
    constexpr std::size_t types = 6;
    auto library = random_types(random, types);
    graph_versions versions(9);
    planner by(library, versions);
    auto start = by.make(random_graph(random, types));
    // A type that needs a setting, or a loop whose payloads do not fit: not what is tested here.
    if (start.plan.refused()) continue;
    auto live = live_graph().next(start.plan, start.wanted);
    versions.commit(1, start);
    for (epoch_t epoch = 2; epoch < 8; ++epoch) {
      std::vector<operator_update> updates;
      for (auto count = 1 + below(random, 3); count > 0; --count) {
        const auto& ops = versions.running().content.operators;
        const auto& op = ops[below(random, ops.size())];
        updates.push_back({op.name, op.type, static_cast<std::uint32_t>(1 + below(random, 5))});
      }
      const auto part = by.make(updates);
      const auto whole = by.make(with(versions.given(), updates));
      CHECK(lines(part.plan) == lines(whole.plan));
      CHECK(part.plan.refused() == whole.plan.refused());
      if (whole.plan.refused()) {
        ++refused;
        continue;
      }
      ++planned_ones;
      parts += part.plan.operators.size() < whole.plan.operators.size();
      rewired += std::any_of(part.plan.arcs.begin(), part.plan.arcs.end(),
                             [](const auto& a) { return a.action != arc_action::keep; });
      CHECK(concerned(part.plan) == concerned(whole.plan));
      CHECK(part.plan.changes() == whole.plan.changes());
      auto touches = part.touches;
      auto expected = whole.touches.operators;
      for (const auto& u : updates) expected.insert(u.name);
      CHECK(touches.operators == expected);
      CHECK(touches.arcs == whole.touches.arcs);
      CHECK(touches.changed == whole.touches.changed);
      by.complete(touches);
      CHECK(touches.below == whole.touches.below);

      // … and carried out.
      auto after = live.next(part.plan, part.wanted);
      auto links = after.all_links(part.wanted);
      auto all_links = live.next(whole.plan, whole.wanted).all_links(whole.wanted);
      for (const auto& op : whole.plan.operators) {
        if (!op.participates()) continue;
        check_same(links[op.name], all_links[op.name], live);
        on_cycles += links[op.name].cycles != nullptr;
      }

      live.adopt(part.plan, std::move(after));

      // … and committed as the whole would be.
      auto other = versions;
      other.commit(epoch, whole);
      versions.commit(epoch, part);
      CHECK(make_plan(versions.running(), other.running()).empty());
      const auto& a = versions.given();
      CHECK_FALSE(difference(a, other.given(), trace_lineage(a, other.given())).changes());
      for (const auto& op : versions.running().content.operators)
        CHECK(versions.running().types.find(op.name)->second.version == op.version);
    }
  }
  // Else the test says nothing.
  CHECK(planned_ones > 1'000);
  CHECK(refused > 500);
  CHECK(parts > 500);
  CHECK(on_cycles > 100);
  CHECK(rewired > 30);
}

TEST_CASE("former versions come back as they were, whatever has been committed since") {
  rng random(21);
  std::size_t looked_up = 0;
  for (int round = 0; round < 300; ++round) {
    constexpr std::size_t types = 6;
    auto library = random_types(random, types);
    graph_versions versions(5);
    planner by(library, versions);
    std::vector<graph_versions::version> seen;
    for (epoch_t epoch = 1; epoch < 12; ++epoch) {
      const auto roll = below(random, 4);
      const bool empty = versions.running().content.operators.empty();
      wanted_graph wanted = random_graph(random, types);
      if (!empty && roll > 0) {
        const auto& ops = versions.running().content.operators;
        const auto& op = ops[below(random, ops.size())];
        wanted = std::vector<operator_update>{
            {op.name, op.type, static_cast<std::uint32_t>(1 + below(random, 5))}};
      }
      auto what = by.make(wanted);
      if (what.plan.refused()) continue;
      if (what.plan.empty()) {
        if (what.whole) versions.reword(what.given, what.wanted.content);
        continue;
      }
      versions.commit(epoch, what);
      seen.push_back(versions.latest());
      // In other words, and in another order.
      if (below(random, 5) == 0) {
        auto given = versions.given(), checked = versions.running().content;
        std::reverse(given.operators.begin(), given.operators.end());
        std::reverse(checked.operators.begin(), checked.operators.end());
        given.name = "reworded";
        versions.reword(given, checked);
        seen.back() = versions.latest();
        CHECK(seen.back().given.name == "reworded");
      }
      for (std::size_t back = 0; back < seen.size(); ++back) {
        const auto& expected = seen[seen.size() - 1 - back];
        const auto found = versions.find(expected.epoch);
        CHECK(static_cast<bool>(found) == (back < 5));
        if (!found) continue;
        ++looked_up;
        CHECK(found->given.name == expected.given.name);
        CHECK(to_text(found->given) == to_text(expected.given));
        CHECK(to_text(found->checked) == to_text(expected.checked));
        CHECK(*found->places == *expected.places);
      }
    }
  }
  CHECK(looked_up > 1'000);
}

TEST_CASE("with nothing running there is no difference, and no version to go back to") {
  host_library library;
  graph_versions versions(5);
  planner by(library, versions);
  CHECK(by.compare({}, {}).empty());
  CHECK(by.compare({}, epoch_t{1}).refused());
  CHECK(by.make(rollback_to{}).plan.refused());
  CHECK(by.make(std::vector<operator_update>{{"a", "t", 1}}).plan.refused());
}
