#pragma once

#include "apps/instarctl/options.hpp"
#include "lifecycle/admin_client.hpp"
#include "lifecycle/policy_status.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

namespace instar::instarctl {

/// A line for each.
std::string to_text(const std::vector<policy_status>& all);
/// All that is known of one.
std::string why_text(const policy_status& one);

nlohmann::json to_json(const policy_status& one);
nlohmann::json to_json(const std::vector<policy_answer>& answers);

/// `policy list`, `why`, `pause` and `resume`.
exit_code policies(admin_client& service, const options& o);

} // namespace instar::instarctl
