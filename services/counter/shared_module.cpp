#include "actors/module.hpp"
#include "services/counter/shared.hpp"

INSTAR_MODULE("counter_shared", instar::counting::shared)
