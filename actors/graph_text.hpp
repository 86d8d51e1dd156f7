#pragma once

#include "actors/graph.hpp"

#include <string>

namespace instar {

/// A listing for people: operators with types and settings, then arcs.
std::string to_text(const graph& g);

/// Graphviz.
std::string to_dot(const graph& g);

/// A graph file that reads as the same graph, paths absolute.
std::string to_toml(const graph& g);

} // namespace instar
