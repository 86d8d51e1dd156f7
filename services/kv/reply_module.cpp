#include "actors/module.hpp"
#include "services/kv/reply.hpp"

INSTAR_MODULE("kv_reply", instar::kv::reply)
