#include "actors/module.hpp"
#include "services/counter/partitioned.hpp"

INSTAR_MODULE("counter_partitioned", instar::counting::partitioned)
