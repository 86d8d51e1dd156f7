#include "actors/module.hpp"
#include "services/bulk/receiver_v2.hpp"

INSTAR_MODULE("bulk_receiver_v2", instar::bulk::receiver_v2)
