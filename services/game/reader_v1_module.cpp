#include "actors/module.hpp"
#include "services/game/reader_v1.hpp"

INSTAR_MODULE("game_reader_v1", instar::game::reader_v1)
