#include "timeline.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <iostream>
#include <sstream>

using namespace instar::load;

namespace {

/// Windows by name, in the order of their first mention.
std::vector<std::pair<std::string, std::vector<window>>> read_windows(std::istream& from) {
  std::vector<std::pair<std::string, std::vector<window>>> groups;
  std::string line;
  for (std::size_t number = 1; std::getline(from, line); ++number) {
    if (line.empty()) continue;
    window w;
    if (!(std::istringstream(line) >> w.name >> w.begin >> w.end) || w.end <= w.begin)
      throw std::runtime_error("windows:" + std::to_string(number) +
                               ": no 'NAME BEGIN_NS END_NS' with BEGIN < END");
    auto known = std::find_if(groups.begin(), groups.end(),
                              [&](const auto& group) { return group.first == w.name; });
    if (known == groups.end()) known = groups.insert(groups.end(), {w.name, {}});
    known->second.push_back(w);
  }
  return groups;
}

void print(const std::string& csv, bool json) {
  auto records = read_csv(csv);
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
  CLI::App app("Figures of windows of a timeline that instar-load --csv wrote. Reads lines "
               "'NAME BEGIN_NS END_NS' (CLOCK_MONOTONIC) from standard input; windows of the same "
               "name count together.");
  app.add_option("csv", csv, "The timeline")->check(CLI::ExistingFile);
  app.add_flag("--json", json, "One flat JSON object, NAME_ before every figure");
  app.add_flag("--now", now, "Only print CLOCK_MONOTONIC in ns, for scripts");
  CLI11_PARSE(app, argc, argv);
  try {
    if (now) std::cout << monotonic_ns() << "\n";
    else if (csv.empty()) throw std::runtime_error("no timeline given; see --help");
    else print(csv, json);
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "instar-cut: " << error.what() << "\n";
    return 1;
  }
}
