#include "apps/clients/program.hpp"
#include "apps/pool/file_client.hpp"

#include <CLI/CLI.hpp>

#include <memory>
#include <string>
#include <vector>

using namespace instar;

int main(int argc, char** argv) {
  std::string root;
  std::vector<std::string> paths{"/"};
  return clients::run_program(
      {.name = "pool-client",
       .about = "Clients of the file server with a worker pool. They ask for files, parts of files "
                "and heads, and compare every byte.",
       .add_options =
           [&](CLI::App& app) {
             app.add_option("--root", root, "The folder that is served: asks for all files in it")
                 ->check(CLI::ExistingDirectory);
             app.add_option("--path", paths,
                            "Without --root: asks for these (default /); what comes has to be what "
                            "came before the run");
           },
       .prepare = [&](const clients::options& given) -> clients::client_maker {
         const auto files = root.empty() ? pool::fetch_targets(given.host, given.port, paths)
                                         : pool::read_targets(root);
         return [given, files](std::size_t number) {
           return std::make_unique<pool::file_client>(given.host, given.port, files, number);
         };
       }},
      argc, argv);
}
