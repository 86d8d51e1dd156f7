#pragma once

#include "services/bulk/control.hpp"

namespace instar::bulk {

/// Drops connections that have no command for too long.
class control_v2 final : public control {
public:
  static constexpr setting_type idle_timeout_setting{"idle_timeout", setting_kind::duration, "60s",
                                                     false, "without a command"};
  static constexpr operator_type type{
      .name = "bulk.control",
      .version = 2,
      .help = "reads commands and gives transfers to receivers; drops who is silent",
      .inputs = {accepted, returned},
      .outputs = {transfer, report},
      .state_schema = capnp::typeId<ControlState>(),
      .state_version = 1,
      .settings = {receivers_setting, max_size_setting, blocking::interruptible_setting,
                   idle_timeout_setting}};

  explicit control_v2(const settings& values)
      : control(values), idle_timeout_(values.duration("idle_timeout")) {}

private:
  std::optional<std::chrono::nanoseconds> idle_timeout() const override { return idle_timeout_; }

  const std::chrono::nanoseconds idle_timeout_;
};

} // namespace instar::bulk
