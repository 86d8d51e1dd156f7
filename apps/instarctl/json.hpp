#pragma once

#include "actors/graph.hpp"
#include "actors/status.hpp"
#include "lifecycle/plan.hpp"
#include "lifecycle/service.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

/// What `--json` prints. Times end in `_ms`, moments are ISO 8601 in UTC.
namespace instar::instarctl {

nlohmann::json to_json(const service_status& status);
nlohmann::json to_json(const graph& g);
nlohmann::json to_json(const history_entry& entry);
nlohmann::json to_json(const std::vector<history_entry>& entries);
nlohmann::json to_json(const std::vector<cancel_answer>& answers);
nlohmann::json to_json(const checkpoint_listing& found);
nlohmann::json plan_json(const transition_plan& plan);

/// Indented, or on one line; bytes that are no UTF-8 are replaced.
std::string dump(const nlohmann::json& value, bool indented = true);

/// `2026-01-31T12:00:00.123Z`.
std::string iso_time(std::chrono::system_clock::time_point when);

} // namespace instar::instarctl
