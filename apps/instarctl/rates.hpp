#pragma once

#include "actors/status.hpp"

#include <nlohmann/json_fwd.hpp>

#include <chrono>
#include <string>
#include <vector>

namespace instar::instarctl {

/// What one operator did between two looks at a service.
struct operator_rate {
  std::string name, reference, phase;
  double packets_in_per_s = 0;
  double packets_out_per_s = 0;
  double busy_percent = 0;   ///< of one core
  std::size_t queued = 0;    ///< packets that wait for it now
  std::size_t credits = 0;   ///< packets that its senders may still send
  std::uint64_t errors = 0;  ///< in this time
  double share_percent = -1; ///< of the packets of all its replicas; negative if it has none
  std::string hot_key{};     ///< of those: the key that more than its share come with, and how many
};

/// The key that most packets of a replica come with, if those are more than a replica's share of
/// all: then more replicas would not help. Empty if there is none.
std::string hot_key_text(const operator_status& op);

/// Counters that went backwards (the service was restarted) count from zero.
std::vector<operator_rate> rates_between(const service_status& before, const service_status& after,
                                         std::chrono::nanoseconds apart);

std::string to_text(const service_status& now, const std::vector<operator_rate>& rates);
nlohmann::json to_json(const service_status& now, const std::vector<operator_rate>& rates);

} // namespace instar::instarctl
