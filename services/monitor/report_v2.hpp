#pragma once

#include "services/monitor/report.hpp"

#include <capnp/schema.h>

namespace instar::monitor {

/// Rates are smoothed: each value counts for a quarter.
class report_v2 final : public report {
public:
  static constexpr operator_type type{
      .name = "monitor.report",
      .version = 2,
      .help = "knows who is there, and smoothed rates",
      .inputs = {status_in, question_in},
      .outputs = {targets_out, answer_out},
      .state_schema = capnp::typeId<ReportState>(),
      .state_version = 1,
      .settings = {every_setting, silent_setting, blocking::interruptible_setting}};

  explicit report_v2(const settings& values) : report(values, 0.75) {}
};

} // namespace instar::monitor
