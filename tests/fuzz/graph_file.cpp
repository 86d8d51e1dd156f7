// Graph files: a graph, or mistakes of one line each; and a graph's own text is understood.
#include "actors/graph_file.hpp"
#include "actors/graph_text.hpp"
#include "tests/fuzz/input.hpp"

using namespace instar;
using namespace instar::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  input all(data, size);
  const auto file = parse_graph(all.text(size), "/fuzz/graph.toml");
  for (const auto& mistake : file.mistakes) require_one_line(mistake.message);
  if (!file.mistakes.empty()) return 0;
  const auto text = to_toml(file.content);
  const auto again = parse_graph(text, "/fuzz/graph.toml");
  require(again.mistakes.empty(), "what was written can be read");
  require(to_toml(again.content) == text, "and is the same");
  return 0;
}
