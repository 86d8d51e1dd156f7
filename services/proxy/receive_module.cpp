#include "actors/module.hpp"
#include "services/proxy/receive.hpp"

INSTAR_MODULE("proxy_receive", instar::proxy::receive)
