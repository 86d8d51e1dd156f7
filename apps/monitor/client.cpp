#include "apps/clients/program.hpp"
#include "apps/monitor/monitor_client.hpp"

#include <memory>

int main(int argc, char** argv) {
  using namespace instar::clients;
  return run_program(
      {.name = "monitor-client",
       .about = "Members that tell the monitor their counters, and ask it whether it knows them.",
       .prepare =
           [](const options& o) {
             return [o](std::size_t number) {
               return std::make_unique<monitor_client>(o.host, o.port, number);
             };
           }},
      argc, argv);
}
