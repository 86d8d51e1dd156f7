#include "actors/module.hpp"
#include "services/pool/worker_v2.hpp"

INSTAR_MODULE("pool_worker_v2", instar::pool::worker_v2)
