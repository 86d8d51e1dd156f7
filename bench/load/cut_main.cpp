#include "timeline.hpp"

#include <CLI/CLI.hpp>

#include <iostream>

using namespace instar::load;

namespace {

void print(const std::string& csv, int group, bool json) {
  auto records = read_csv(csv);
  if (group >= 0) records = of_group(records, static_cast<std::uint8_t>(group));
  std::string members;
  for (const auto& [name, windows] : read_windows(std::cin)) {
    auto of = cut(records, windows);
    if (json) members += (members.empty() ? "" : ", ") + json_members(of, name + "_");
    else std::cout << name << ": " << text_line(of) << "\n";
  }
  if (json) std::cout << "{" << members << "}\n";
}

} // namespace

int main(int argc, char** argv) {
  std::string csv;
  bool json = false, now = false;
  int group = -1;
  CLI::App app("Figures of windows of a timeline that instar-load --csv wrote. Reads lines "
               "'NAME BEGIN_NS END_NS' (CLOCK_MONOTONIC) from standard input; windows of the same "
               "name count together.");
  app.add_option("csv", csv, "The timeline")->check(CLI::ExistingFile);
  app.add_option("--group", group, "Only this group of clients, counted from 0")
      ->check(CLI::Range(0, 255));
  app.add_flag("--json", json, "One flat JSON object, NAME_ before every figure");
  app.add_flag("--now", now, "Only print CLOCK_MONOTONIC in ns, for scripts");
  CLI11_PARSE(app, argc, argv);
  try {
    if (now) std::cout << monotonic_ns() << "\n";
    else if (csv.empty()) throw std::runtime_error("no timeline given; see --help");
    else print(csv, group, json);
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "instar-cut: " << error.what() << "\n";
    return 1;
  }
}
