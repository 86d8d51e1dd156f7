#include "apps/instard/daemon.hpp"
#include "apps/instard/options.hpp"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <exception>

int main(int argc, char** argv) {
  using namespace instar::instard;
  const auto said = parse_command_line(argc, argv);
  if (const auto* code = std::get_if<exit_code>(&said)) return *code;
  const auto& o = std::get<options>(said);
  spdlog::set_default_logger(spdlog::stderr_color_mt("instard"));
  spdlog::set_level(spdlog::level::from_str(o.log_level));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e %^%l%$ %v");
  try {
    return run(o);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "instard: %s\n", e.what());
    return exit_code::failed;
  }
}
