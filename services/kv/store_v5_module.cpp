#include "actors/module.hpp"
#include "services/kv/model_v5.hpp"
#include "services/kv/store.hpp"

INSTAR_MODULE("kv-store-5", instar::kv::store<instar::kv::model_v5>)
