#pragma once

#include "services/monitor/poll.hpp"

#include <capnp/schema.h>

namespace instar::monitor {

/// Asks only those that have not spoken for a while.
class poll_v2 final : public poll {
public:
  static constexpr operator_type type{.name = "monitor.poll",
                                      .version = 2,
                                      .help = "asks members that are silent for their status",
                                      .inputs = {socket_in, targets_in},
                                      .state_schema = capnp::typeId<PollState>(),
                                      .state_version = 1,
                                      .settings = {every_setting, blocking::interruptible_setting}};

  explicit poll_v2(const settings& values) : poll(values, true) {}
};

} // namespace instar::monitor
