#include "actors/module.hpp"
#include "services/metrics/insert.hpp"
#include "services/metrics/page.hpp"

INSTAR_MODULE("metrics_page", instar::metrics_page::page, instar::metrics_page::insert)
