#include "actors/module.hpp"
#include "services/cache/simple.hpp"

INSTAR_MODULE("file_cache_simple", instar::file_cache::simple)
