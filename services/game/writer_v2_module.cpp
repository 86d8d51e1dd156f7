#include "actors/module.hpp"
#include "services/game/writer_v2.hpp"

INSTAR_MODULE("game_writer_v2", instar::game::writer_v2)
