#include "actors/module.hpp"
#include "services/monitor/poll_v2.hpp"

INSTAR_MODULE("monitor_poll_v2", instar::monitor::poll_v2)
