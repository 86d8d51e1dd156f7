#include "actors/module.hpp"
#include "services/kv/model_v3.hpp"
#include "services/kv/store.hpp"

INSTAR_MODULE("kv-store-3", instar::kv::store<instar::kv::model_v3>)
