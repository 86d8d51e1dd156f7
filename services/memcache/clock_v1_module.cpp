#include "actors/module.hpp"
#include "services/memcache/clock.hpp"

INSTAR_MODULE("memcache_clock_v1", instar::memcache::clock<1>)
