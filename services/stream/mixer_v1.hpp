#pragma once

#include "services/stream/mixer.hpp"

namespace instar::stream {

/// Never less than the interval between two frames: what was late once stays late.
class mixer_v1 final : public mixer {
public:
  static constexpr operator_type type{
      .name = "stream.mixer",
      .version = 1,
      .help = "sends a frame to all senders, never sooner than one interval after the last",
      .inputs = {in},
      .outputs = {out},
      .state_schema = capnp::typeId<MixerState>(),
      .state_version = 1,
      .settings = {interval_setting, senders_setting, blocking::interruptible_setting},
      .splits = true};

  explicit mixer_v1(const settings& values) : mixer(values) {}

private:
  clock::time_point next(clock::time_point) const override { return clock::now() + interval(); }
};

} // namespace instar::stream
