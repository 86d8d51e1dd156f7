#include "actors/module.hpp"
#include "services/monitor/control.hpp"

INSTAR_MODULE("monitor_control_v1", instar::monitor::control<1>)
