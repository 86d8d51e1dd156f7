#include "actors/module.hpp"
#include "services/stream/statistics_v2.hpp"

INSTAR_MODULE("stream_statistics_v2", instar::stream::statistics_v2)
