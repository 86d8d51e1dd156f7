#include "apps/bulk/transfer_client.hpp"
#include "apps/clients/program.hpp"

#include <CLI/CLI.hpp>

#include <cstdint>
#include <memory>

using namespace instar;

int main(int argc, char** argv) {
  std::uint64_t most = 1'000'000;
  return clients::run_program(
      {.name = "bulk-client",
       .about = "Clients of the bulk service. They send bytes, ask for bytes and for reports, and "
                "compare every byte.",
       .add_options =
           [&](CLI::App& app) {
             app.add_option("--size", most, "Transfers have up to so many bytes (default 1000000)")
                 ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 32));
           },
       .prepare = [&](const clients::options& given) -> clients::client_maker {
         return [given, most](std::size_t number) {
           return std::make_unique<bulk::transfer_client>(given.host, given.port, most, number);
         };
       }},
      argc, argv);
}
