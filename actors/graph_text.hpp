#pragma once

#include "actors/graph.hpp"

#include <string>

namespace instar {

/// A listing for people: operators with types and settings, then arcs.
std::string to_text(const graph& g);

/// Graphviz.
std::string to_dot(const graph& g);

/// A graph file that reads as the same graph; module places as they are in `g`, so absolute if the
/// graph was read from a file.
///
/// For a graph as it was *given*: `check_graph` turns durations into nanoseconds, which no graph
/// file can say.
std::string to_toml(const graph& g);

} // namespace instar
