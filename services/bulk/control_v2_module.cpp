#include "actors/module.hpp"
#include "services/bulk/control_v2.hpp"

INSTAR_MODULE("bulk_control_v2", instar::bulk::control_v2)
