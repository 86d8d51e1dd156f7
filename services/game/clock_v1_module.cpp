#include "actors/module.hpp"
#include "services/game/clock_v1.hpp"

INSTAR_MODULE("game_clock_v1", instar::game::clock_v1)
