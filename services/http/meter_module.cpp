#include "actors/module.hpp"
#include "services/http/meter.hpp"

INSTAR_MODULE("http_meter", instar::http::meter)
