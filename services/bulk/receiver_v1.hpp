#pragma once

#include "services/bulk/receiver.hpp"

namespace instar::bulk {

/// As fast as it goes.
class receiver_v1 final : public receiver {
public:
  static constexpr operator_type type{
      .name = "bulk.receiver",
      .version = 1,
      .help = "carries out one transfer at a time, as fast as it goes",
      .inputs = {in},
      .outputs = {returned, moved},
      .state_schema = capnp::typeId<ReceiverState>(),
      .state_version = 1,
      .settings = {stall_timeout_setting, blocking::interruptible_setting},
      .mergeable = true};

  explicit receiver_v1(const settings& values) : receiver(values, 32 * 1024) {}
};

} // namespace instar::bulk
