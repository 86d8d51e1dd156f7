#include "actors/module.hpp"
#include "services/bulk/reporter_v1.hpp"

INSTAR_MODULE("bulk_reporter_v1", instar::bulk::reporter_v1)
