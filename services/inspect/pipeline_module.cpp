#include "actors/module.hpp"
#include "services/inspect/capture.hpp"
#include "services/inspect/flow.hpp"
#include "services/inspect/housekeeping.hpp"
#include "services/inspect/statistics.hpp"

INSTAR_MODULE("inspect_pipeline", instar::inspect::capture, instar::inspect::flow,
              instar::inspect::housekeeping, instar::inspect::statistics)
