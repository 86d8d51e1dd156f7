#include "actors/module.hpp"
#include "services/proxy/merge.hpp"

INSTAR_MODULE("proxy_merge", instar::proxy::merge)
