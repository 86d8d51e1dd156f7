#include "actors/module.hpp"
#include "services/game/clock_v2.hpp"

INSTAR_MODULE("game_clock_v2", instar::game::clock_v2)
