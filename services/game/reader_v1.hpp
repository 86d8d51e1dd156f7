#pragma once

#include "services/game/reader.hpp"

#include <capnp/schema.h>

namespace instar::game {

/// Nobody is thrown out.
class reader_v1 final : public reader {
public:
  static constexpr operator_type type{.name = "game.reader",
                                      .version = 1,
                                      .help = "reads the lines of a seat",
                                      .inputs = {in},
                                      .outputs = {out},
                                      .state_schema = capnp::typeId<ReaderState>(),
                                      .state_version = 1,
                                      .settings = {blocking::interruptible_setting}};

  explicit reader_v1(const settings& values) : reader(values, std::chrono::nanoseconds(0)) {}
};

} // namespace instar::game
