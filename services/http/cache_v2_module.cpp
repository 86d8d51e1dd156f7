#include "actors/module.hpp"
#include "services/http/cache.hpp"

INSTAR_MODULE("http_cache_v2", instar::http::cache_v2)
