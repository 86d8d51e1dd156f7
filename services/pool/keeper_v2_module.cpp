#include "actors/module.hpp"
#include "services/pool/keeper_v2.hpp"

INSTAR_MODULE("pool_keeper_v2", instar::pool::keeper_v2)
