#include "actors/module.hpp"
#include "services/bulk/reporter_v2.hpp"

INSTAR_MODULE("bulk_reporter_v2", instar::bulk::reporter_v2)
