#include "actors/module.hpp"
#include "services/monitor/receive_v2.hpp"

INSTAR_MODULE("monitor_receive_v2", instar::monitor::receive_v2)
