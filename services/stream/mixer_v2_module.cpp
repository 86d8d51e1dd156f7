#include "actors/module.hpp"
#include "services/stream/mixer_v2.hpp"

INSTAR_MODULE("stream_mixer_v2", instar::stream::mixer_v2)
