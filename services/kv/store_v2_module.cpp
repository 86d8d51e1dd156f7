#include "actors/module.hpp"
#include "services/kv/model_v2.hpp"
#include "services/kv/store.hpp"

INSTAR_MODULE("kv-store-2", instar::kv::store<instar::kv::model_v2>)
