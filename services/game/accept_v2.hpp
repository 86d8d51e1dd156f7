#pragma once

#include "services/game/accept.hpp"

#include <capnp/schema.h>

namespace instar::game {

/// Who finds no free seat waits for one.
class accept_v2 final : public accept {
public:
  static constexpr operator_type type{
      .name = "game.accept",
      .version = 2,
      .help = "gives connections seats; who finds none waits",
      .inputs = {freed_in},
      .outputs = {out},
      .state_schema = capnp::typeId<AcceptState>(),
      .state_version = 1,
      .settings = {address_setting, port_setting, seats_setting, blocking::interruptible_setting}};

  explicit accept_v2(const settings& values) : accept(values, true) {}
};

} // namespace instar::game
