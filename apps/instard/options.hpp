#pragma once

#include "actors/graph_file.hpp"

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <string>
#include <variant>
#include <vector>

namespace instar::instard {

/// What instard tells whoever started it.
enum exit_code : int {
  ok = 0,
  failed = 1,    ///< at run time, or not everything was drained
  bad_input = 2, ///< command line or graph file
};

struct options {
  std::filesystem::path graph;
  std::filesystem::path admin;
  std::vector<setting_override> overrides;
  std::vector<std::filesystem::path> modules; ///< absolute
  std::size_t workers = 0;
  std::string log_level;
  std::chrono::nanoseconds deadline{0};
  std::chrono::nanoseconds drain{0};
  bool check = false;
  std::filesystem::path checkpoints; ///< where they are written; empty = nowhere
  std::filesystem::path restore;     ///< where to begin from; empty = anew
  std::vector<std::string> drop;     ///< operators whose states may be lost in this
};

/// What the command line says, or the exit code after help or a mistake has been printed.
std::variant<options, exit_code> parse_command_line(int argc, const char* const* argv);

} // namespace instar::instard
