#include "apps/clients/program.hpp"
#include "apps/stream/listener.hpp"

#include <CLI/CLI.hpp>

#include <chrono>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

using namespace instar;

namespace {

std::shared_ptr<const std::string> content_of(const std::string& file) {
  if (file.empty()) return nullptr;
  std::ifstream from(file, std::ios::binary);
  auto made = std::make_shared<const std::string>(std::istreambuf_iterator<char>(from),
                                                  std::istreambuf_iterator<char>());
  if (made->empty()) throw std::runtime_error(file + ": there is nothing in it");
  return made;
}

} // namespace

int main(int argc, char** argv) {
  std::string file;
  std::size_t slow = 0;
  int pause_ms = 200;
  return clients::run_program(
      {.name = "stream-client",
       .about = "Listeners of the live stream. Each frame has to be whole and the next one, or the "
                "service has to say how many are missing.",
       .add_options =
           [&](CLI::App& app) {
             app.add_option("--file", file, "What the source reads: compares every byte with it")
                 ->check(CLI::ExistingFile);
             app.add_option("--slow", slow, "So many of the clients are slow");
             app.add_option("--pause", pause_ms,
                            "ms between two frames of those that are (default 200)")
                 ->check(CLI::Range(1, 5000));
           },
       .prepare = [&](const clients::options& given) -> clients::client_maker {
         const auto content = content_of(file);
         return [=](std::size_t number) {
           return std::make_unique<stream::listener>(
               stream::listening{given.host, given.port,
                                 std::chrono::milliseconds(number < slow ? pause_ms : 0), content});
         };
       }},
      argc, argv);
}
