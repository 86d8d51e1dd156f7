// Walks over all modules of the tree: whatever they bring has to hand over its state, to itself and
// to each other version, and their converters have to lead there and back.
#include "lifecycle/operator_library.hpp"
#include "lifecycle/plan.hpp"

#include "services/fake_context.hpp"
#include "services/random_state.hpp"
#include "services/sockets.hpp"
#include "temporary_folder.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <random>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace instar;

namespace {

/// Separated by colons: folders and files.
std::vector<std::filesystem::path> places() {
  std::vector<std::filesystem::path> all;
  std::istringstream text(MODULE_PLACES);
  for (std::string one; std::getline(text, one, ':');) all.emplace_back(one);
  return all;
}

bool has_state(const operator_description& type) {
  return type.state_schema != 0 || type.part_schema != 0;
}

/// Defaults, and where there is none something plausible.
settings plausible(const operator_description& type) {
  settings values;
  for (const auto& s : type.settings) {
    auto text = s.default_value;
    if (text.empty() && s.required) {
      const char* const by_kind[] = {"x", "1", "1", "true", "1s", "1KiB", "/dev/null"};
      text = by_kind[static_cast<int>(s.kind)];
    }
    if (text.empty()) continue;
    values.set(s.name, parse_setting(text, s.kind, "/").value());
  }
  return values;
}

struct world {
  temporary_folder scratch;
  module_library library{scratch.path()};
  module_catalogue catalogue;
  test::driven_reactor sockets;
  test::fake_context ctx{sockets};

  world() {
    library.set_places(places());
    catalogue.set_places(places());
  }

  /// Types with state, by their names.
  std::set<std::string> names() {
    std::set<std::string> found;
    for (const auto& one : catalogue.all())
      if (has_state(one.type)) found.insert(one.type.name);
    return found;
  }

  operator_instance make(const operator_description& type) {
    auto factory = library.load(type.name, type.version);
    REQUIRE_MESSAGE(bool(factory), factory.error().message);
    return (*factory)(plausible(type));
  }

  conversion load(const state_route& route, const operator_description& to) {
    auto loaded = load_conversion(library, route, to);
    REQUIRE_MESSAGE(bool(loaded), loaded.error().message);
    return *std::move(loaded);
  }
};

typed_graph only(const operator_description& type) {
  typed_graph g;
  g.content.operators.push_back({"op", type.name, type.version, {}, {}, 0});
  g.types.emplace("op", type);
  return g;
}

/// How the state goes from one version to another, as the plan of an update has it.
transition_plan plan_between(world& w, const operator_description& from,
                             const operator_description& to) {
  auto before = only(from), after = only(to);
  // Of one to itself, which only other settings would bring about.
  after.content.operators[0].values.set("changed", setting_value(true));
  return make_plan(before, after, trace_lineage(before.content, after.content),
                   {w.library.versions(from.name), {}});
}

state save(const operator_base& from, const operator_description& type, std::uint64_t schema) {
  state_writer writer({type.name, type.version, schema, type.state_version});
  from.save(writer);
  return state::decode(writer.finish().encode()).value();
}

/// Everything in parts.
std::vector<state> save_parts(operator_base& from, const operator_description& type,
                              std::size_t least) {
  std::vector<state> all;
  auto* parts = from.parts();
  REQUIRE(parts != nullptr);
  for (auto at = parted_state::begin; at != parted_state::end;) {
    state_writer writer({type.name, type.version, type.part_schema, type.state_version});
    at = parts->write(at, least, parted_state::part_bytes, writer);
    all.push_back(writer.finish());
  }
  parts->forget_changes();
  return all;
}

/// Hands over what `from` holds, by the way that the plan has found.
void hand_over(world& w, operator_base& from, const operator_description& old_type,
               operator_base& to, const operator_description& new_type, const operator_change& by) {
  if (by.state_by.moves()) {
    const auto converted = w.load(by.state_by, new_type)(save(from, old_type, by.state_by.written));
    CHECK(converted.header().schema_id == by.state_by.read);
    state_reader reader(converted);
    to.restore(w.ctx, reader);
  }
  if (by.parts_by.moves()) {
    REQUIRE(to.parts() != nullptr);
    const auto convert = w.load(by.parts_by, new_type);
    for (auto& part : save_parts(from, old_type, 7)) {
      const auto converted = convert(std::move(part));
      state_reader reader(converted);
      to.parts()->read(reader);
    }
    CHECK(to.parts()->size() == from.parts()->size());
  }
}

} // namespace

TEST_CASE("every operator of the tree that keeps state hands it over to itself") {
  world w;
  std::size_t seen = 0;
  for (const auto& name : w.names())
    for (const auto& type : w.library.versions(name)) {
      CAPTURE(type.reference());
      if (!has_state(type)) continue;
      const auto plan = plan_between(w, type, type);
      REQUIRE_FALSE(plan.refused());
      const auto& change = plan.operators.at(0);
      CHECK(change.native == type.hands_over());
      CHECK(change.state_by.converters.empty());
      CHECK(change.parts_by.converters.empty());
      auto first = w.make(type), second = w.make(type);
      auto by = change;
      by.state_by = {type.state_schema, type.state_schema, {}};
      by.parts_by = {type.part_schema, type.part_schema, {}};
      hand_over(w, *first, type, *second, type, by);
      if (type.state_schema != 0)
        CHECK(save(*first, type, type.state_schema).encode() ==
              save(*second, type, type.state_schema).encode());
      ++seen;
    }
  CHECK(seen >= 8);
}

TEST_CASE("every version hands its state over to each other one that its plan lets it, and back") {
  world w;
  std::size_t pairs = 0;
  for (const auto& name : w.names()) {
    const auto versions = w.library.versions(name);
    for (const auto& from : versions)
      for (const auto& to : versions) {
        if (from.version == to.version || !has_state(from)) continue;
        CAPTURE(from.reference());
        CAPTURE(to.reference());
        const auto there = plan_between(w, from, to);
        if (there.refused()) {
          // Not because nobody has written a converter: then one says what is to be done.
          CHECK(there.refusals[0].message.find("would drop it") != std::string::npos);
          continue;
        }
        auto first = w.make(from), second = w.make(to), third = w.make(from);
        hand_over(w, *first, from, *second, to, there.operators[0]);
        const auto back = plan_between(w, to, from);
        REQUIRE_FALSE(back.refused());
        hand_over(w, *second, to, *third, from, back.operators[0]);
        ++pairs;
        if (from.state_schema == 0) continue;
        const test::dynamic_schemas schemas(from.schemas);
        const auto schema = schemas.find(from.state_schema);
        const test::dynamic_state before(save(*first, from, from.state_schema), schema),
            after(save(*third, from, from.state_schema), schema);
        std::size_t compared = 0;
        if (!there.operators[0].state_by.converters.empty()) continue; // may lose what they say
        CHECK(test::differing_fields(before.root(), after.root(), compared) == "");
      }
  }
  CHECK(pairs >= 10);
}

namespace {

struct tested_converter {
  operator_description owner;
  converter_description ends;
};

std::vector<tested_converter> all_converters(world& w) {
  std::vector<tested_converter> all;
  for (const auto& name : w.names())
    for (const auto& type : w.library.versions(name))
      for (const auto& c : type.converters) all.push_back({type, c});
  return all;
}

state run(world& w, const tested_converter& c, state from) {
  const auto& type = c.owner;
  return w.load({c.ends.from, c.ends.to, {{type.name, type.version, c.ends.from, c.ends.to}}},
                type)(std::move(from));
}

} // namespace

TEST_CASE("converters take any state or refuse it, there and back, and keep what both sides have") {
  world w;
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
