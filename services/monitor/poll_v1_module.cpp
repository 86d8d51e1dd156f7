#include "actors/module.hpp"
#include "services/monitor/poll_v1.hpp"

INSTAR_MODULE("monitor_poll_v1", instar::monitor::poll_v1)
