#pragma once

#include "services/game/herald.hpp"

#include <capnp/schema.h>

namespace instar::game {

/// A saved game is on the disk.
class herald_v2 final : public herald {
public:
  static constexpr operator_type type{
      .name = "game.herald",
      .version = 2,
      .help = "brings letters to the seats, and saves the game, durably",
      .inputs = {in},
      .outputs = {out},
      .state_schema = capnp::typeId<HeraldState>(),
      .state_version = 1,
      .settings = {game_setting, blocking::interruptible_setting}};

  explicit herald_v2(const settings& values) : herald(values, true) {}
};

} // namespace instar::game
