#include "actors/module.hpp"
#include "services/stream/sender_v2.hpp"

INSTAR_MODULE("stream_sender_v2", instar::stream::sender_v2)
