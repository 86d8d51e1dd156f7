#include "actors/module.hpp"
#include "services/kv/parse.hpp"

INSTAR_MODULE("kv_parse", instar::kv::parse)
