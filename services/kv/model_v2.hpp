#pragma once

#include "services/kv/codec.hpp"
#include "state_v2.capnp.h"

namespace instar::kv {

struct model_v2 {
  static constexpr unsigned version = 2;
  using codec = plain_codec<2, KvPart2>;
};

} // namespace instar::kv
