#include "actors/module.hpp"
#include "services/kv/convert_2_3.hpp"
#include "services/kv/model_v3.hpp"
#include "services/kv/store.hpp"

namespace instar::kv {

struct released_v3 : model_v3 {
  static constexpr auto converters = instar::converters<&part_2_to_3, &part_3_to_2>;
};

} // namespace instar::kv

INSTAR_MODULE("kv-store-3", instar::kv::store<instar::kv::released_v3>)
