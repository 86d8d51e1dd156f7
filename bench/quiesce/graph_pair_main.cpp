// Writes the two graph files between which `bench/run.sh quiesce` changes, and prints what is in
// them, a `KEY VALUE…` a line.
#include "bench/quiesce/graph_pair.hpp"

#include "actors/graph_file.hpp"
#include "actors/graph_text.hpp"
#include "lifecycle/module_loader.hpp"

#include <CLI/CLI.hpp>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

using namespace instar;
using namespace instar::bench;

namespace {

struct wish {
  std::string file, modules, before, after;
  std::vector<std::string> sets;
  bool uninterruptible = false;
};

graph read(const wish& w) {
  std::vector<setting_override> overrides;
  for (const auto& text : w.sets) {
    auto one = parse_override(text);
    if (!one) throw std::runtime_error(one.error().message);
    overrides.push_back(*std::move(one));
  }
  auto file = read_graph(w.file, overrides);
  if (!file.mistakes.empty()) throw std::runtime_error(file.mistakes.front().message);
  return std::move(file.content);
}

void write(const graph& g, const std::string& file) {
  std::ofstream out(file);
  out << to_toml(g);
  if (!out.flush()) throw std::runtime_error("cannot write " + file);
}

void print(const char* key, const std::vector<std::string>& values) {
  std::cout << key;
  for (const auto& v : values) std::cout << ' ' << v;
  std::cout << '\n';
}

} // namespace

int main(int argc, char** argv) {
  wish w;
  CLI::App app("Two graph files that differ in every operator; prints operators, threads, blocking "
               "operators, and of these those without a newer version");
  app.add_option("GRAPH", w.file)->required();
  app.add_option("--modules", w.modules, "Folder of modules")->required();
  app.add_option("--before", w.before, "File to write")->required();
  app.add_option("--after", w.after, "File to write")->required();
  app.add_option("--set", w.sets, "OPERATOR.KEY=VALUE; may be repeated")->allow_extra_args(false);
  app.add_flag("--uninterruptible", w.uninterruptible, "Set interruptible = false");
  CLI11_PARSE(app, argc, argv);
  try {
    const std::filesystem::path modules = std::filesystem::absolute(w.modules).lexically_normal();
    module_catalogue catalogue;
    catalogue.set_places({modules});
    auto pair = make_graph_pair(
        read(w), [&](std::string_view type) { return catalogue.versions(type); },
        !w.uninterruptible);
    if (!pair) throw std::runtime_error(pair.error().message);
    pair->before.modules = pair->after.modules = {modules};
    write(pair->before, w.before);
    write(pair->after, w.after);
    std::cout << "operators " << pair->operators << "\nthreads " << pair->threads << '\n';
    print("blocking", pair->blocking);
    print("anew", pair->anew);
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "bench-quiesce-graphs: " << error.what() << "\n";
    return 1;
  }
}
