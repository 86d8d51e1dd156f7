#include "actors/module.hpp"
#include "services/cache/partitioned.hpp"

INSTAR_MODULE("file_cache_partitioned", instar::file_cache::partitioned)
