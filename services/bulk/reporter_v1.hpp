#pragma once

#include "services/bulk/reporter.hpp"

namespace instar::bulk {

/// Reports bytes per interval, and the totals.
class reporter_v1 final : public reporter {
public:
  static constexpr operator_type type{.name = "bulk.reporter",
                                      .version = 1,
                                      .help = "reports bytes per interval",
                                      .inputs = {moved, asked},
                                      .outputs = {returned},
                                      .state_schema = capnp::typeId<ReporterState>(),
                                      .state_version = 1,
                                      .settings = {interval_setting, keep_setting,
                                                   write_timeout_setting,
                                                   blocking::interruptible_setting}};

  explicit reporter_v1(const settings& values) : reporter(values) {}

private:
  std::string summary() const override { return {}; }
};

} // namespace instar::bulk
