#pragma once

#include "actors/graph.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace instar {

/// `OPERATOR.KEY=VALUE` from the command line.
struct setting_override {
  std::string operator_name, key, value;
};
result<setting_override> parse_override(std::string_view text);

/// A graph read from TOML, or every mistake in it (`file:line: …`).
struct graph_file {
  graph content;
  std::vector<failure> mistakes;
};

/// Parses a graph file's text. `origin` names it in messages, and its folder is where relative
/// paths start. Form of the file: actors/README.md.
graph_file parse_graph(std::string_view text, const std::filesystem::path& origin,
                       const std::vector<setting_override>& overrides = {});
graph_file read_graph(const std::filesystem::path& file,
                      const std::vector<setting_override>& overrides = {});

} // namespace instar
