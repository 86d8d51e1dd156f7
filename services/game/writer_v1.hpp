#pragma once

#include "services/game/writer.hpp"

#include <capnp/schema.h>

namespace instar::game {

/// Letter by letter.
class writer_v1 final : public writer {
public:
  static constexpr operator_type type{
      .name = "game.writer",
      .version = 1,
      .help = "sends a seat what is said to it",
      .inputs = {in},
      .state_schema = capnp::typeId<WriterState>(),
      .state_version = 1,
      .settings = {patience_setting, blocking::interruptible_setting}};

  explicit writer_v1(const settings& values) : writer(values, false) {}
};

} // namespace instar::game
