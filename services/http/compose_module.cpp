#include "actors/module.hpp"
#include "services/http/compose.hpp"

INSTAR_MODULE("http_compose", instar::http::compose)
