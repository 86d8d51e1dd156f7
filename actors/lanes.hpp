#pragma once

#include "transfer/key_hash.hpp"

#include <cstddef>
#include <cstdint>

namespace instar {

/// What the key of a packet says of its place among all keys, for operators that share packets.
enum class key_kind : std::uint8_t {
  number, ///< any number; its place is its `key_hash`
  hash,   ///< a `key_hash` already: that is the place
};

/// In the words of the graph file.
const char* to_string(key_kind kind);

/// So many operators may share the packets of an arc.
inline constexpr std::uint32_t max_lanes = 64;

/// Where a key is in the space of all keys, which keyed state is ordered by, too.
inline std::uint64_t place_of(std::uint64_t key, key_kind kind) noexcept {
  return kind == key_kind::hash ? key : key_hash<std::uint64_t>()(key);
}

/// Which of `lanes` equal parts of that space has a place.
inline std::size_t lane_of(std::uint64_t place, std::size_t lanes) noexcept {
  return static_cast<std::size_t>(static_cast<unsigned __int128>(place) * lanes >> 64);
}

/// Places from `from` up to `to`; up to and with the last of all if `to` is that.
struct place_range {
  std::uint64_t from = 0, to = ~std::uint64_t{0};
};

/// The places of one lane.
place_range range_of(std::size_t lane, std::size_t lanes);

} // namespace instar
