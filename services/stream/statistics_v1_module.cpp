#include "actors/module.hpp"
#include "services/stream/statistics_v1.hpp"

INSTAR_MODULE("stream_statistics_v1", instar::stream::statistics_v1)
