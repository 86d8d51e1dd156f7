#include "actors/module.hpp"
#include "services/http/log.hpp"

INSTAR_MODULE("http_log", instar::http::log)
