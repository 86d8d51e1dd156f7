#pragma once

#include "actors/settings.hpp"
#include "lifecycle/policy_condition.hpp"
#include "lifecycle/service.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace instar {

/// What a policy asks for: some operators exchanged, or the graph of a file.
struct policy_action {
  std::vector<operator_update> updates;
  std::filesystem::path graph; ///< absolute; empty if it is about updates

  bool empty() const { return updates.empty() && graph.empty(); }
  /// `update load=http.load@2`, `apply /etc/http.toml`
  std::string text() const;
};

/// One direction.
struct policy_way {
  condition when;
  std::chrono::nanoseconds hold{0};
  policy_action action;
};

/// What the settings of a policy say. POLICIES.md explains them.
struct policy_rule {
  std::vector<metric_use> metrics; ///< of both conditions, each once
  policy_way there, back;          ///< `back` without an action: there is no way back
  std::chrono::nanoseconds every{0}, window{0}, cool_down{0};
  std::chrono::nanoseconds deadline{0}; ///< 0 = the service's
  std::uint32_t per_hour = 0;
  bool paused = false;

  bool returns() const { return !back.action.empty(); }
};

/// A rule, or all that is wrong with it: `SETTING: what, and what to do`.
struct policy_reading {
  policy_rule rule;
  std::vector<std::string> mistakes;
};
/// `values` are checked settings of a policy (`check_graph`).
policy_reading read_policy(const settings& values);

} // namespace instar
