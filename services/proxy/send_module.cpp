#include "actors/module.hpp"
#include "services/proxy/send.hpp"

INSTAR_MODULE("proxy_send", instar::proxy::send)
