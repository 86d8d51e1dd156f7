#pragma once

#include "services/stream/statistics.hpp"

namespace instar::stream {

/// Also how many listeners there were at most.
class statistics_v2 final : public statistics {
public:
  static constexpr operator_type type{
      .name = "stream.statistics",
      .version = 2,
      .help = "says how many listeners there are and were, and what they have got",
      .inputs = {counts, asked},
      .state_schema = capnp::typeId<StatisticsState>(),
      .state_version = 1,
      .settings = {write_timeout_setting, blocking::interruptible_setting}};

  explicit statistics_v2(const settings& values) : statistics(values) {}

private:
  std::string text(const sums& of) const override {
    return "STATS listeners " + std::to_string(of.listeners) + " frames " +
           std::to_string(of.frames) + " dropped " + std::to_string(of.dropped) + " bytes " +
           std::to_string(of.bytes) + "\n" + "PEAK listeners " + std::to_string(of.peak) + "\n" +
           "END\n";
  }
};

} // namespace instar::stream
