#include "actors/module.hpp"
#include "services/stream/mixer_v1.hpp"

INSTAR_MODULE("stream_mixer_v1", instar::stream::mixer_v1)
