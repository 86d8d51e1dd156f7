#pragma once

#include "transfer/native_layout.hpp"
#include "transfer/tracked_map.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace instar::test {

enum class colour : std::uint8_t { red, green };

struct small {
  std::uint32_t number = 0;
  colour paint = colour::red;
};

struct large {
  std::string name;
  std::vector<small> list;
  std::map<std::string, std::optional<small>> by_name;
  std::array<std::pair<int, double>, 4> pairs;
  std::variant<std::monostate, std::string, small> either;
  std::chrono::steady_clock::time_point when;
  std::unique_ptr<small> own;
  tracked_map<std::string, small> tracked;
  const bool fixed = false;
};

/// What `layout_of` says in another translation unit.
std::array<std::uint64_t, 2> layouts_elsewhere();

} // namespace instar::test
