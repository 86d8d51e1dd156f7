#pragma once

#include "services/kv/codec.hpp"
#include "state_v3.capnp.h"

namespace instar::kv {

struct model_v3 {
  static constexpr unsigned version = 3;
  using codec = plain_codec<3, KvPart3>;
};

} // namespace instar::kv
