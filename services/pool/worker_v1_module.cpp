#include "actors/module.hpp"
#include "services/pool/worker_v1.hpp"

INSTAR_MODULE("pool_worker_v1", instar::pool::worker_v1)
