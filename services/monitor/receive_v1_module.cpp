#include "actors/module.hpp"
#include "services/monitor/receive_v1.hpp"

INSTAR_MODULE("monitor_receive_v1", instar::monitor::receive_v1)
