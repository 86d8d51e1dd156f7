#include "actors/module.hpp"
#include "services/file/load_v2.hpp"

INSTAR_MODULE("http_load_v2", instar::file::load_v2)
