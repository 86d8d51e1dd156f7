#pragma once

#include "services/game/writer.hpp"

#include <capnp/schema.h>

namespace instar::game {

/// What waits for a player leaves in one piece.
class writer_v2 final : public writer {
public:
  static constexpr operator_type type{
      .name = "game.writer",
      .version = 2,
      .help = "sends a seat what is said to it, in as few pieces as can be",
      .inputs = {in},
      .state_schema = capnp::typeId<WriterState>(),
      .state_version = 1,
      .settings = {patience_setting, blocking::interruptible_setting}};

  explicit writer_v2(const settings& values) : writer(values, true) {}
};

} // namespace instar::game
