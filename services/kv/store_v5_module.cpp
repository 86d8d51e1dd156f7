#include "actors/module.hpp"
#include "services/kv/convert_4_5.hpp"
#include "services/kv/model_v5.hpp"
#include "services/kv/store.hpp"

namespace instar::kv {

struct released_v5 : model_v5 {
  static constexpr auto converters = instar::converters<&part_4_to_5, &part_5_to_4>;
};

} // namespace instar::kv

INSTAR_MODULE("kv-store-5", instar::kv::store<instar::kv::released_v5>)
