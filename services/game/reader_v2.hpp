#pragma once

#include "services/game/reader.hpp"

#include <capnp/schema.h>

namespace instar::game {

/// Who says nothing for long is thrown out.
class reader_v2 final : public reader {
public:
  static constexpr operator_type type{
      .name = "game.reader",
      .version = 2,
      .help = "reads the lines of a seat, and frees it if nobody speaks",
      .inputs = {in},
      .outputs = {out},
      .state_schema = capnp::typeId<ReaderState>(),
      .state_version = 1,
      .settings = {{"patience", setting_kind::duration, "10min", false,
                    "who says nothing for so long is thrown out"},
                   blocking::interruptible_setting}};

  explicit reader_v2(const settings& values) : reader(values, values.duration("patience")) {}
};

} // namespace instar::game
