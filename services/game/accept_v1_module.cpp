#include "actors/module.hpp"
#include "services/game/accept_v1.hpp"

INSTAR_MODULE("game_accept_v1", instar::game::accept_v1)
