#pragma once

#include "services/kv/codec.hpp"
#include "state_v1.capnp.h"

namespace instar::kv {

struct model_v1 {
  static constexpr unsigned version = 1;
  using codec = plain_codec<1, KvPart1>;
};

} // namespace instar::kv
