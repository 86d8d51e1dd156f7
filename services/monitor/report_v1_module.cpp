#include "actors/module.hpp"
#include "services/monitor/report_v1.hpp"

INSTAR_MODULE("monitor_report_v1", instar::monitor::report_v1)
