#include "actors/module.hpp"
#include "services/net/accept.hpp"
#include "services/net/read.hpp"

INSTAR_MODULE("net", instar::net::accept, instar::net::read)
