#pragma once

#include "apps/instarctl/options.hpp"
#include "lifecycle/admin_client.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

namespace instar::instarctl {

/// What is told of a trace at its end.
class trace_summary {
public:
  /// A packet that was shown, or would have been.
  void add(const traced_packet& p);

  std::string text(const trace_end& end) const;
  nlohmann::json json(const trace_end& end) const;

private:
  std::chrono::nanoseconds gap(double quantile) const;
  static double per_second(const trace_end& end);

  std::uint64_t told_ = 0;
  mutable std::vector<std::chrono::nanoseconds> gaps_; // at most so many: then each second, …
  std::uint64_t every_ = 1;
  std::chrono::nanoseconds longest_{0};
};

/// `12:01:33.123456  +1.204 ms  key 4711  http.request`
std::string to_text(const traced_packet& p);
nlohmann::json to_json(const traced_packet& p);

/// Shows the packets of an arc while they pass.
exit_code trace(admin_client& service, const options& o);

} // namespace instar::instarctl
