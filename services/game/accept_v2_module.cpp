#include "actors/module.hpp"
#include "services/game/accept_v2.hpp"

INSTAR_MODULE("game_accept_v2", instar::game::accept_v2)
