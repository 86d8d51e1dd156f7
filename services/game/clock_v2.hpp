#pragma once

#include "services/game/clock.hpp"

#include <capnp/schema.h>

namespace instar::game {

/// Ships can jump.
class clock_v2 final : public clock {
public:
  static constexpr operator_type type{
      .name = "game.clock",
      .version = 2,
      .help = "has the world, and carries orders out turn by turn; ships can jump",
      .inputs = {in},
      .outputs = {out, freed_out},
      .state_schema = capnp::typeId<ClockState>(),
      .state_version = 1,
      .settings = {turn_setting, game_setting, save_setting, blocking::interruptible_setting}};

  explicit clock_v2(const settings& values) : clock(values, true) {}
};

} // namespace instar::game
