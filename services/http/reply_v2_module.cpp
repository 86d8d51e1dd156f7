#include "actors/module.hpp"
#include "services/http/reply_v2.hpp"

INSTAR_MODULE("http_reply_v2", instar::http::reply_v2)
