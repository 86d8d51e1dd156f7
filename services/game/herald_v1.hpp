#pragma once

#include "services/game/herald.hpp"

#include <capnp/schema.h>

namespace instar::game {

/// Leaves it to the system when a saved game is on the disk.
class herald_v1 final : public herald {
public:
  static constexpr operator_type type{.name = "game.herald",
                                      .version = 1,
                                      .help = "brings letters to the seats, and saves the game",
                                      .inputs = {in},
                                      .outputs = {out},
                                      .state_schema = capnp::typeId<HeraldState>(),
                                      .state_version = 1,
                                      .settings = {game_setting, blocking::interruptible_setting}};

  explicit herald_v1(const settings& values) : herald(values, false) {}
};

} // namespace instar::game
