#pragma once

#include "actors/graph_file.hpp"
#include "lifecycle/service.hpp"

#include <filesystem>
#include <string>
#include <variant>
#include <vector>

namespace instar {

/// A graph file's text as a client sends it, unparsed.
struct graph_text {
  std::string text;
  std::filesystem::path origin; ///< absolute
  std::vector<setting_override> overrides;
  std::filesystem::path folder; ///< absolute; where relative paths in overrides start
};

/// What the running graph should become, as a client says it.
using wanted_change =
    std::variant<graph_text, std::vector<operator_update>, rollback_to, checkpoint_wish>;

/// A graph to be compared, as a client names it: the running one, that of an epoch, a file's.
using named_graph = std::variant<std::monostate, epoch_t, graph_text>;

} // namespace instar
