#include "actors/module.hpp"
#include "services/memcache/loop_v2.hpp"

INSTAR_MODULE("memcache_loop_v2", instar::memcache::loop_v2)
