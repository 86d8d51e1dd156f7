#include "actors/module.hpp"
#include "services/game/herald_v2.hpp"

INSTAR_MODULE("game_herald_v2", instar::game::herald_v2)
