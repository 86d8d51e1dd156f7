#include "actors/module.hpp"
#include "services/kv/model_v4.hpp"
#include "services/kv/store.hpp"

INSTAR_MODULE("kv-store-4", instar::kv::store<instar::kv::model_v4>)
