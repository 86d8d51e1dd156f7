#pragma once

#include "services/kv/codec.hpp"
#include "state_v5.capnp.h"

namespace instar::kv {

struct model_v5 {
  static constexpr unsigned version = 5;
  using codec = compact_codec<KvPart5>;
};

} // namespace instar::kv
