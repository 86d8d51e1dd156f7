#pragma once

#include "apps/clients/crowd.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace CLI {
class App;
}

namespace instar::clients {

/// What the command line of every client says.
struct options {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
  std::size_t clients = 1;
  double seconds = 10; ///< 0 = until a signal
  bool json = false;
};

/// The program of one service's clients.
struct program {
  std::string name, about;
  /// Adds options of its own, to variables that `prepare` knows; may be empty.
  std::function<void(CLI::App&)> add_options = {};
  /// Called once the command line is understood. May throw a line that says what is wrong with it.
  std::function<client_maker(const options&)> prepare;
};

/// Runs its clients for so long, or until SIGTERM or SIGINT, and prints what they have seen: JSON
/// to standard output; without `--json` also a line for people, to standard error.
///
/// The exit code is 0, 1 if an answer failed, a connection was reopened or nothing was answered,
/// or 64 if the command line was wrong.
int run_program(const program& what, int argc, char** argv);

} // namespace instar::clients
