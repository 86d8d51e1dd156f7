#include "actors/module.hpp"
#include "services/memcache/loop_v1.hpp"

INSTAR_MODULE("memcache_loop_v1", instar::memcache::loop_v1)
