#pragma once

#include "services/monitor/receive.hpp"

#include <capnp/schema.h>

namespace instar::monitor {

/// One status in a datagram.
class receive_v1 final : public receive {
public:
  static constexpr operator_type type{
      .name = "monitor.receive",
      .version = 1,
      .help = "receives one status in a datagram",
      .outputs = {out, socket_out},
      .state_schema = capnp::typeId<ReceiveState>(),
      .state_version = 1,
      .settings = {address_setting, port_setting, blocking::interruptible_setting}};

  explicit receive_v1(const settings& values) : receive(values, false) {}
};

} // namespace instar::monitor
