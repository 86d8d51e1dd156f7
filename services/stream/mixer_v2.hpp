#pragma once

#include "services/stream/mixer.hpp"

namespace instar::stream {

/// Keeps the rate: a frame that was late is followed sooner by the next. After a longer delay it
/// begins anew.
class mixer_v2 final : public mixer {
public:
  static constexpr operator_type type{
      .name = "stream.mixer",
      .version = 2,
      .help = "sends a frame to all senders, at a rate that does not drift",
      .inputs = {in},
      .outputs = {out},
      .state_schema = capnp::typeId<MixerState>(),
      .state_version = 1,
      .settings = {interval_setting, senders_setting, blocking::interruptible_setting},
      .splits = true};

  explicit mixer_v2(const settings& values) : mixer(values) {}

private:
  static constexpr int most_late = 10;

  clock::time_point next(clock::time_point due) const override {
    const auto now = clock::now();
    return due + most_late * interval() < now ? now + interval() : due + interval();
  }
};

} // namespace instar::stream
