#include "actors/module.hpp"
#include "services/pool/keeper_v1.hpp"

INSTAR_MODULE("pool_keeper_v1", instar::pool::keeper_v1)
