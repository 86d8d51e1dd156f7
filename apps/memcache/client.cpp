#include "apps/clients/program.hpp"
#include "apps/memcache/memcache_client.hpp"

#include <memory>

int main(int argc, char** argv) {
  using namespace instar::clients;
  return run_program(
      {.name = "memcache-client",
       .about = "Clients of a memcached: write, read back and compare, 8 commands at once.",
       .prepare =
           [](const options& o) {
             return [o](std::size_t number) {
               return std::make_unique<memcache_client>(o.host, o.port, number);
             };
           }},
      argc, argv);
}
