#include "actors/module.hpp"
#include "services/blocking/accept_v1.hpp"

INSTAR_MODULE("blocking_accept_v1", instar::blocking::accept_v1)
