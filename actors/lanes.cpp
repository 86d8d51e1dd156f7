#include "actors/lanes.hpp"

namespace instar {

const char* to_string(key_kind kind) { return kind == key_kind::hash ? "hash" : "number"; }

place_range range_of(std::size_t lane, std::size_t lanes) {
  constexpr auto all = static_cast<unsigned __int128>(1) << 64;
  const auto first_of = [&](std::size_t of) {
    return static_cast<std::uint64_t>((all * of + lanes - 1) / lanes);
  };
  place_range range;
  range.from = first_of(lane);
  if (lane + 1 < lanes) range.to = first_of(lane + 1);
  return range;
}

} // namespace instar
