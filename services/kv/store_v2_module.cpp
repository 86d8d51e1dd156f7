#include "actors/module.hpp"
#include "services/kv/convert_1_2.hpp"
#include "services/kv/model_v2.hpp"
#include "services/kv/store.hpp"

namespace instar::kv {

struct released_v2 : model_v2 {
  static constexpr auto converters = instar::converters<&part_1_to_2, &part_2_to_1>;
};

} // namespace instar::kv

INSTAR_MODULE("kv-store-2", instar::kv::store<instar::kv::released_v2>)
