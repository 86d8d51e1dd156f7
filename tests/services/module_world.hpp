#pragma once

#include "actors/descriptors.hpp"
#include "actors/metrics.hpp"
#include "lifecycle/operator_library.hpp"
#include "lifecycle/plan.hpp"

#include "services/fake_context.hpp"
#include "services/memcache/table.hpp"
#include "services/sockets.hpp"
#include "temporary_folder.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace instar::test {

/// Separated by colons: folders and files.
inline std::vector<std::filesystem::path> places() {
  std::vector<std::filesystem::path> all;
  std::istringstream text(MODULE_PLACES);
  for (std::string one; std::getline(text, one, ':');) all.emplace_back(one);
  return all;
}

inline bool has_state(const operator_description& type) {
  return type.state_schema != 0 || type.part_schema != 0;
}

/// Defaults, and where there is none something plausible.
inline settings plausible(const operator_description& type) {
  settings values;
  for (const auto& s : type.settings) {
    auto text = s.default_value;
    if (text.empty() && s.required) {
      const char* const by_kind[] = {"127.0.0.1:1", "1", "1", "true", "1s", "1KiB", "/dev/null"};
      text = s.name == "root" ? "/" : by_kind[static_cast<int>(s.kind)]; // a folder
    }
    if (text.empty()) values.set(s.name, std::string()); // as `check_graph` does
    else values.set(s.name, parse_setting(text, s.kind, "/").value());
  }
  return values;
}

/// Of a host that runs no graph.
struct graphless_metrics final : metrics {
  observation look() override { return {}; }
};

/// The modules of `MODULE_PLACES`, and what their operators may ask of a host.
struct module_world {
  temporary_folder scratch;
  module_library library{scratch.path()};
  module_catalogue catalogue;
  driven_reactor sockets;
  graphless_metrics seen;
  descriptors open;
  memcache::tables tables;
  fake_context ctx{sockets};
  std::map<std::string, operator_factory> factories; ///< their modules stay mapped

  module_world() {
    library.set_places(places());
    catalogue.set_places(places());
    ctx.resources.emplace(metrics::resource_name, static_cast<metrics*>(&seen));
    ctx.resources.emplace(descriptors::resource_name, &open);
    ctx.resources.emplace(memcache::tables::resource_name, &tables);
  }

  /// Types with state, by their names.
  std::set<std::string> names() {
    std::set<std::string> found;
    for (const auto& one : catalogue.all())
      if (has_state(one.type)) found.insert(one.type.name);
    return found;
  }

  /// All versions of a type, the oldest first.
  std::vector<operator_description> offered(const std::string& name) {
    return library.versions(name);
  }

  operator_instance make(const operator_description& type) {
    auto& factory = factories[type.reference()];
    if (!factory) {
      auto loaded = library.load(type.name, type.version);
      REQUIRE_MESSAGE(bool(loaded), loaded.error().message);
      factory = *std::move(loaded);
    }
    return factory(plausible(type));
  }

  conversion load(const state_route& route, const operator_description& to) {
    auto loaded = load_conversion(library, route, to);
    REQUIRE_MESSAGE(bool(loaded), loaded.error().message);
    return *std::move(loaded);
  }
};

inline typed_graph only(const operator_description& type) {
  typed_graph g;
  g.content.operators.push_back({"op", type.name, type.version, {}, {}, 0});
  g.types.emplace("op", type);
  return g;
}

/// How the state goes from one version to another, as the plan of an update has it.
inline transition_plan plan_between(module_world& w, const operator_description& from,
                                    const operator_description& to) {
  auto before = only(from), after = only(to);
  // Of one to itself, which only other settings would bring about.
  after.content.operators[0].values.set("changed", setting_value(true));
  return make_plan(before, after, trace_lineage(before.content, after.content),
                   {w.offered(from.name), {}});
}

} // namespace instar::test
