#include "actors/module.hpp"
#include "services/http/reply_v1.hpp"

INSTAR_MODULE("http_reply_v1", instar::http::reply_v1)
