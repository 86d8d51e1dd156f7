#include "apps/clients/program.hpp"
#include "apps/game/game_client.hpp"

#include <memory>

int main(int argc, char** argv) {
  using namespace instar::clients;
  return run_program(
      {.name = "game-client",
       .about = "Players that trade and keep the books; no more of them than the game has seats.",
       .prepare =
           [](const options& o) {
             return [o](std::size_t number) {
               return std::make_unique<game_client>(o.host, o.port, number);
             };
           }},
      argc, argv);
}
