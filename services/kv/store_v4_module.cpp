#include "actors/module.hpp"
#include "services/kv/convert_3_4.hpp"
#include "services/kv/model_v4.hpp"
#include "services/kv/store.hpp"

namespace instar::kv {

struct released_v4 : model_v4 {
  static constexpr auto converters = instar::converters<&part_3_to_4, &part_4_to_3>;
};

} // namespace instar::kv

INSTAR_MODULE("kv-store-4", instar::kv::store<instar::kv::released_v4>)
