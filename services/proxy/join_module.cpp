#include "actors/module.hpp"
#include "services/proxy/join.hpp"

INSTAR_MODULE("proxy_join", instar::proxy::join)
