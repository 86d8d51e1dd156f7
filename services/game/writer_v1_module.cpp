#include "actors/module.hpp"
#include "services/game/writer_v1.hpp"

INSTAR_MODULE("game_writer_v1", instar::game::writer_v1)
