// Walks over all modules of the tree: whatever they bring has to hand over its state, to itself and
// to each other version, and their converters have to lead there and back. Keyed state: see
// module_parts.cpp.
#include "services/module_world.hpp"
#include "services/random_state.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace instar;
using test::has_state;
using test::module_world;
using test::plan_between;

namespace {

constexpr int random_rounds = 40;

state save(const operator_base& from, const operator_description& type, std::uint64_t schema) {
  state_writer writer({type.name, type.version, schema, type.state_version});
  from.save(writer);
  return state::decode(writer.finish().encode()).value();
}

/// Hands over what `from` holds beside keyed state, by the way that the plan has found.
void hand_over(module_world& w, operator_base& from, const operator_description& old_type,
               operator_base& to, const operator_description& new_type, const state_route& by) {
  if (!by.moves()) return;
  const auto converted = w.load(by, new_type)(save(from, old_type, by.written));
  CHECK(converted.header().schema_id == by.read);
  state_reader reader(converted);
  to.restore(w.ctx, reader);
}

/// An instance with some state that it has taken: what chance has filled in, or that of a fresh one
/// if it refuses that.
operator_instance make_random(module_world& w, const operator_description& type,
                              std::mt19937_64& random, std::size_t& taken) {
  auto made = w.make(type);
  if (type.state_schema == 0) return made;
  const test::dynamic_schemas schemas(type.schemas);
  const auto any = schemas.random({type.name, type.version, type.state_schema, 1}, random,
                                  {.texts = 1000, .numbers = 1000});
  try {
    state_reader reader(any);
    made->restore(w.ctx, reader);
    ++taken;
    return made;
  } catch (const std::exception&) { // says what no operator has saved
    return w.make(type);
  }
}

} // namespace

TEST_CASE("every operator of the tree that keeps state hands it over to itself") {
  module_world w;
  std::mt19937_64 random(31);
  std::size_t seen = 0, taken = 0;
  for (const auto& name : w.names())
    for (const auto& type : w.offered(name)) {
      CAPTURE(type.reference());
      if (!has_state(type)) continue;
      const auto plan = plan_between(w, type, type);
      REQUIRE_FALSE(plan.refused());
      const auto& change = plan.operators.at(0);
      CHECK(change.native == type.hands_over());
      CHECK(change.state_by.converters.empty());
      CHECK(change.parts_by.converters.empty());
      ++seen;
      if (type.state_schema == 0) continue;
      const test::dynamic_schemas schemas(type.schemas);
      const auto text = [&](const operator_base& of) {
        return test::text_of(save(of, type, type.state_schema), schemas.find(type.state_schema));
      };
      for (int round = 0; round < random_rounds; ++round) {
        auto first = make_random(w, type, random, taken);
        auto second = w.make(type);
        const auto before = text(*first);
        hand_over(w, *first, type, *second, type, {type.state_schema, type.state_schema, {}});
        CHECK(text(*second) == before);
        if (!type.hands_over()) continue;
        auto third = w.make(type);
        third->take_native(first->give_native());
        CHECK(text(*third) == before);
      }
    }
  CHECK(seen >= 8);
  CHECK(taken >= 100);
}

TEST_CASE("every version hands its state over to each other one that its plan lets it, and back") {
  module_world w;
  std::mt19937_64 random(37);
  std::size_t pairs = 0, taken = 0;
  for (const auto& name : w.names()) {
    const auto all = w.offered(name);
    for (const auto& from : all)
      for (const auto& to : all) {
        if (from.version == to.version || !has_state(from)) continue;
        CAPTURE(from.reference());
        CAPTURE(to.reference());
        const auto there = plan_between(w, from, to);
        if (there.refused()) {
          // Not because nobody has written a converter: then one says what is to be done.
          CHECK(there.refusals[0].message.find("would drop it") != std::string::npos);
          continue;
        }
        const auto back = plan_between(w, to, from);
        REQUIRE_FALSE(back.refused());
        ++pairs;
        if (from.state_schema == 0) continue;
        if (!there.operators[0].state_by.converters.empty()) continue; // may lose what they say
        const test::dynamic_schemas old_schemas(from.schemas), new_schemas(to.schemas);
        const auto old_schema = old_schemas.find(from.state_schema);
        const auto new_schema = new_schemas.find(to.state_schema);
        for (int round = 0; round < random_rounds; ++round) {
          auto first = make_random(w, from, random, taken);
          auto second = w.make(to), third = w.make(from);
          hand_over(w, *first, from, *second, to, there.operators[0].state_by);
          hand_over(w, *second, to, *third, from, back.operators[0].state_by);
          const auto before = save(*first, from, from.state_schema);
          const auto between = save(*second, to, to.state_schema);
          const auto after = save(*third, from, from.state_schema);
          const test::dynamic_state a(before, old_schema), b(between, new_schema),
              c(after, old_schema);
          std::size_t compared = 0;
          CHECK(test::differing_fields(a.root(), b.root(), compared, test::lists::in_any_order) ==
                "");
          CHECK(test::differing_fields(b.root(), c.root(), compared, test::lists::in_any_order) ==
                "");
        }
      }
  }
  CHECK(pairs >= 10);
  CHECK(taken >= 100);
}

namespace {

struct tested_converter {
  operator_description owner;
  converter_description ends;
};

std::vector<tested_converter> all_converters(module_world& w) {
  std::vector<tested_converter> all;
  for (const auto& name : w.names())
    for (const auto& type : w.offered(name))
      for (const auto& c : type.converters) all.push_back({type, c});
  return all;
}

state run(module_world& w, const tested_converter& c, state from) {
  const auto& type = c.owner;
  return w.load({c.ends.from, c.ends.to, {{type.name, type.version, c.ends.from, c.ends.to}}},
                type)(std::move(from));
}

} // namespace

TEST_CASE("converters take any state or refuse it, there and back, and keep what both sides have") {
  module_world w;
  const auto all = all_converters(w);
  std::mt19937_64 random(23);
  std::size_t compared = 0, round_trips = 0;
  for (const auto& there : all) {
    const auto back = std::find_if(all.begin(), all.end(), [&](const tested_converter& c) {
      return c.owner.reference() == there.owner.reference() && c.ends.from == there.ends.to &&
             c.ends.to == there.ends.from;
    });
    CAPTURE(there.owner.reference());
    const test::dynamic_schemas schemas(there.owner.schemas);
    const auto from = schemas.find(there.ends.from), to = schemas.find(there.ends.to);
    int taken = 0;
    for (int round = 0; round < 60; ++round) {
      const auto before = schemas.random({"any", 1, there.ends.from, 1}, random);
      state converted;
      try {
        converted = run(w, there, before);
      } catch (const std::runtime_error&) { // bytes that no version has written
        continue;
      }
      ++taken;
      CHECK(converted.header().schema_id == there.ends.to);
      const test::dynamic_state a(before, from), b(converted, to);
      CHECK(test::differing_fields(a.root(), b.root(), compared) == "");
      if (back == all.end()) continue;
      const test::dynamic_state c(run(w, *back, converted), from);
      // What both sides have is the same again; the rest the other side could not hold.
      std::size_t again = 0;
      CHECK(test::differing_fields(b.root(), c.root(), again) == "");
      ++round_trips;
    }
    CHECK(taken > 0);
  }
  CHECK(compared > 100);
  CHECK(round_trips > 100);
}
