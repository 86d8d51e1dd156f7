#pragma once

#include "services/bulk/reporter.hpp"

#include <algorithm>

namespace instar::bulk {

/// Also says the mean rate of the intervals in the report, and the highest.
class reporter_v2 final : public reporter {
public:
  static constexpr operator_type type{.name = "bulk.reporter",
                                      .version = 2,
                                      .help = "reports bytes per interval, mean and highest rate",
                                      .inputs = {moved, asked},
                                      .outputs = {returned},
                                      .state_schema = capnp::typeId<ReporterState>(),
                                      .state_version = 1,
                                      .settings = {interval_setting, keep_setting,
                                                   write_timeout_setting,
                                                   blocking::interruptible_setting}};

  explicit reporter_v2(const settings& values) : reporter(values) {}

private:
  std::string summary() const override {
    if (intervals().empty()) return {};
    double received = 0, sent = 0, most_received = 0, most_sent = 0;
    for (const auto& one : intervals()) {
      received += static_cast<double>(one.received);
      sent += static_cast<double>(one.sent);
      most_received = std::max(most_received, static_cast<double>(one.received));
      most_sent = std::max(most_sent, static_cast<double>(one.sent));
    }
    const auto time = length() * static_cast<double>(intervals().size());
    return line("MEAN", received / time, sent / time) +
           line("HIGHEST", most_received / length(), most_sent / length());
  }
  /// In bytes per second.
  static std::string line(const char* what, double received, double sent) {
    return std::string(what) + " received " + std::to_string(static_cast<std::uint64_t>(received)) +
           "/s sent " + std::to_string(static_cast<std::uint64_t>(sent)) + "/s\n";
  }
};

} // namespace instar::bulk
