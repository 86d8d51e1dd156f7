#include "actors/module.hpp"
#include "services/file/load_v1.hpp"

INSTAR_MODULE("http_load_v1", instar::file::load_v1)
