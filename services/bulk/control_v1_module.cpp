#include "actors/module.hpp"
#include "services/bulk/control_v1.hpp"

INSTAR_MODULE("bulk_control_v1", instar::bulk::control_v1)
