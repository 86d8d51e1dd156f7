#include "apps/clients/program.hpp"
#include "apps/inspect/scanner.hpp"

#include <memory>

using namespace instar;

int main(int argc, char** argv) {
  return clients::run_program(
      {.name = "inspect-client",
       .about = "Sends capture files to a service with apps/inspect/inspect.rules, and checks that "
                "each alert comes once.",
       .prepare =
           [](const clients::options& given) {
             return [given](std::size_t number) -> std::unique_ptr<clients::client> {
               return std::make_unique<inspect::scanner>(given.host, given.port, number);
             };
           }},
      argc, argv);
}
