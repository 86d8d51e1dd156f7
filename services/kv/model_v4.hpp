#pragma once

#include "services/kv/codec.hpp"
#include "state_v4.capnp.h"

namespace instar::kv {

struct model_v4 {
  static constexpr unsigned version = 4;
  using codec = plain_codec<4, KvPart4>;
};

} // namespace instar::kv
