#include "actors/module.hpp"
#include "services/monitor/report_v2.hpp"

INSTAR_MODULE("monitor_report_v2", instar::monitor::report_v2)
