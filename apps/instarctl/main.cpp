#include "apps/instarctl/commands.hpp"

#include <cstdio>
#include <exception>

int main(int argc, char** argv) {
  using namespace instar::instarctl;
  const auto said = parse_command_line(argc, argv);
  if (const auto* code = std::get_if<exit_code>(&said)) return *code;
  try {
    return run(std::get<options>(said));
  } catch (const std::exception& e) {
    std::fprintf(stderr, "instarctl: %s\n", e.what());
    return exit_code::no_answer;
  }
}
