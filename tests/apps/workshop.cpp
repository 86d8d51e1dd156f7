#include "workshop.hpp"

#include <doctest/doctest.h>

#include <fstream>

namespace instar::test {

namespace {

answer run(const char* executable, std::vector<std::string> arguments,
           const std::filesystem::path& folder) {
  program p(executable, std::move(arguments), folder);
  const int code = p.wait();
  return {code, p.out(), p.err()};
}

} // namespace

std::string workshop::file(const std::string& name, const std::string& text) const {
  const auto path = folder() / name;
  std::ofstream(path) << text;
  return path.string();
}

std::string workshop::flow(const std::string& name, int tick, int store,
                           const std::string& settings) const {
  return file(name, "[graph]\nname = \"flow\"\nmodules = [\"" TEST_MODULES
                    "\"]\narcs = [\"tick -> store\"]\n[operators.tick]\ntype = \"flow.tick@" +
                        std::to_string(tick) + "\"\n[operators.store]\ntype = \"flow.store@" +
                        std::to_string(store) + "\"\n" + settings + "\n");
}

answer workshop::instard(std::vector<std::string> arguments) const {
  return run(INSTARD, std::move(arguments), folder());
}

answer workshop::instarctl(std::vector<std::string> arguments) const {
  arguments.insert(arguments.end(), {"--admin", socket().string()});
  return run(INSTARCTL, std::move(arguments), folder());
}

std::unique_ptr<program> workshop::serve(const std::string& graph,
                                         std::vector<std::string> arguments) const {
  if (!graph.empty()) arguments.insert(arguments.end(), {"--graph", graph});
  arguments.insert(arguments.end(), {"--admin", socket().string()});
  auto daemon = std::make_unique<program>(INSTARD, std::move(arguments), folder());
  if (!daemon->says("ready ")) FAIL(daemon->err());
  return daemon;
}

} // namespace instar::test
