#pragma once

#include "services/monitor/receive.hpp"

#include <capnp/schema.h>

namespace instar::monitor {

/// Any number of statuses in a datagram, each on a line.
class receive_v2 final : public receive {
public:
  static constexpr operator_type type{
      .name = "monitor.receive",
      .version = 2,
      .help = "receives statuses, several in a datagram",
      .outputs = {out, socket_out},
      .state_schema = capnp::typeId<ReceiveState>(),
      .state_version = 1,
      .settings = {address_setting, port_setting, blocking::interruptible_setting}};

  explicit receive_v2(const settings& values) : receive(values, true) {}
};

} // namespace instar::monitor
