#include "actors/module.hpp"
#include "services/memcache/clock.hpp"

INSTAR_MODULE("memcache_clock_v2", instar::memcache::clock<2>)
