#pragma once

#include "services/game/accept.hpp"

#include <capnp/schema.h>

namespace instar::game {

/// Who finds no free seat is told so.
class accept_v1 final : public accept {
public:
  static constexpr operator_type type{
      .name = "game.accept",
      .version = 1,
      .help = "gives connections seats; turns away who finds none",
      .inputs = {freed_in},
      .outputs = {out},
      .state_schema = capnp::typeId<AcceptState>(),
      .state_version = 1,
      .settings = {address_setting, port_setting, seats_setting, blocking::interruptible_setting}};

  explicit accept_v1(const settings& values) : accept(values, false) {}
};

} // namespace instar::game
