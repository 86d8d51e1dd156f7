#include "actors/module.hpp"
#include "services/kv/model_v1.hpp"
#include "services/kv/store.hpp"

INSTAR_MODULE("kv-store-1", instar::kv::store<instar::kv::model_v1>)
