#include "actors/module.hpp"
#include "services/bulk/receiver_v1.hpp"

INSTAR_MODULE("bulk_receiver_v1", instar::bulk::receiver_v1)
