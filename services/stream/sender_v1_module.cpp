#include "actors/module.hpp"
#include "services/stream/sender_v1.hpp"

INSTAR_MODULE("stream_sender_v1", instar::stream::sender_v1)
