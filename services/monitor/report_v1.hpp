#pragma once

#include "services/monitor/report.hpp"

#include <capnp/schema.h>

namespace instar::monitor {

/// Rates are those between the last two values.
class report_v1 final : public report {
public:
  static constexpr operator_type type{
      .name = "monitor.report",
      .version = 1,
      .help = "knows who is there, and the rates of the last moment",
      .inputs = {status_in, question_in},
      .outputs = {targets_out, answer_out},
      .state_schema = capnp::typeId<ReportState>(),
      .state_version = 1,
      .settings = {every_setting, silent_setting, blocking::interruptible_setting}};

  explicit report_v1(const settings& values) : report(values, 0) {}
};

} // namespace instar::monitor
