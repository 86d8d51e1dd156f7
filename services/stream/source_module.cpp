#include "actors/module.hpp"
#include "services/stream/source.hpp"

INSTAR_MODULE("stream_source", instar::stream::source)
