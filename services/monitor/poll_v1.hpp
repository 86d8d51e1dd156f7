#pragma once

#include "services/monitor/poll.hpp"

#include <capnp/schema.h>

namespace instar::monitor {

/// Asks all of them.
class poll_v1 final : public poll {
public:
  static constexpr operator_type type{.name = "monitor.poll",
                                      .version = 1,
                                      .help = "asks all members for their status",
                                      .inputs = {socket_in, targets_in},
                                      .state_schema = capnp::typeId<PollState>(),
                                      .state_version = 1,
                                      .settings = {every_setting, blocking::interruptible_setting}};

  explicit poll_v1(const settings& values) : poll(values, false) {}
};

} // namespace instar::monitor
