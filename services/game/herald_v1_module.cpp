#include "actors/module.hpp"
#include "services/game/herald_v1.hpp"

INSTAR_MODULE("game_herald_v1", instar::game::herald_v1)
