#pragma once

#include "actors/graph.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace instar {

/// The operators of a graph by name. Holds until one comes, goes or is renamed.
class name_index {
public:
  static constexpr std::size_t none = ~std::size_t{0};

  name_index() = default;
  explicit name_index(const graph& of) {
    places_.reserve(of.operators.size());
    for (std::size_t i = 0; i < of.operators.size(); ++i) places_.emplace(of.operators[i].name, i);
  }

  /// Its place in `graph::operators`, or `none`.
  std::size_t find(std::string_view name) const {
    const auto found = places_.find(name);
    return found == places_.end() ? none : found->second;
  }

private:
  struct hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view name) const {
      return std::hash<std::string_view>()(name);
    }
  };
  std::unordered_map<std::string, std::size_t, hash, std::equal_to<>> places_;
};

} // namespace instar
