#pragma once

#include "services/game/clock.hpp"

#include <capnp/schema.h>

namespace instar::game {

/// The rules of old.
class clock_v1 final : public clock {
public:
  static constexpr operator_type type{
      .name = "game.clock",
      .version = 1,
      .help = "has the world, and carries orders out turn by turn",
      .inputs = {in},
      .outputs = {out, freed_out},
      .state_schema = capnp::typeId<ClockState>(),
      .state_version = 1,
      .settings = {turn_setting, game_setting, save_setting, blocking::interruptible_setting}};

  explicit clock_v1(const settings& values) : clock(values, false) {}
};

} // namespace instar::game
