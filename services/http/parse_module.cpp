#include "actors/module.hpp"
#include "services/http/parse.hpp"

INSTAR_MODULE("http_parse", instar::http::parse)
