#include "actors/module.hpp"
#include "services/kv/model_v1.hpp"
#include "services/kv/store.hpp"

namespace instar::kv {

struct released_v1 : model_v1 {
  static constexpr auto converters = instar::converters<>;
};

} // namespace instar::kv

INSTAR_MODULE("kv-store-1", instar::kv::store<instar::kv::released_v1>)
