#include "actors/module.hpp"
#include "services/game/reader_v2.hpp"

INSTAR_MODULE("game_reader_v2", instar::game::reader_v2)
