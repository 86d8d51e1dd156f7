#pragma once

#include "services/stream/statistics.hpp"

namespace instar::stream {

/// How many listeners there are, and what all have got.
class statistics_v1 final : public statistics {
public:
  static constexpr operator_type type{
      .name = "stream.statistics",
      .version = 1,
      .help = "says how many listeners there are and what they have got",
      .inputs = {counts, asked},
      .state_schema = capnp::typeId<StatisticsState>(),
      .state_version = 1,
      .settings = {write_timeout_setting, blocking::interruptible_setting}};

  explicit statistics_v1(const settings& values) : statistics(values) {}

private:
  std::string text(const sums& of) const override {
    return "STATS listeners " + std::to_string(of.listeners) + " frames " +
           std::to_string(of.frames) + " dropped " + std::to_string(of.dropped) + " bytes " +
           std::to_string(of.bytes) + "\n" + "END\n";
  }
};

} // namespace instar::stream
