#pragma once

#include "services/bulk/control.hpp"

namespace instar::bulk {

/// A connection may be without a command for as long as it likes.
class control_v1 final : public control {
public:
  static constexpr operator_type type{
      .name = "bulk.control",
      .version = 1,
      .help = "reads commands and gives transfers to receivers",
      .inputs = {accepted, returned},
      .outputs = {transfer, report},
      .state_schema = capnp::typeId<ControlState>(),
      .state_version = 1,
      .settings = {receivers_setting, max_size_setting, blocking::interruptible_setting}};

  explicit control_v1(const settings& values) : control(values) {}
};

} // namespace instar::bulk
