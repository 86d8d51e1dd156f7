#include "actors/module.hpp"
#include "services/blocking/accept_v2.hpp"

INSTAR_MODULE("blocking_accept_v2", instar::blocking::accept_v2)
