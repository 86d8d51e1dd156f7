#include "actors/module.hpp"
#include "services/proxy/cond.hpp"

INSTAR_MODULE("proxy_cond", instar::proxy::cond)
