#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace instar {

/// Chosen at random when the process starts, so that nobody outside can choose keys that collide.
/// The same for the host and all its modules.
extern const std::uint64_t hash_seed;

namespace detail {

/// Both halves of the product: every bit of either factor counts.
inline std::uint64_t fold(std::uint64_t a, std::uint64_t b) noexcept {
  const auto product = static_cast<unsigned __int128>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

inline std::uint64_t load(const char* from, std::size_t bytes) noexcept {
  std::uint64_t word = 0;
  if (bytes != 0) std::memcpy(&word, from, bytes); // an empty key may have no address
  return word;
}

inline constexpr std::uint64_t hash_odd = 0x9e3779b97f4a7c15, hash_even = 0xd1342543de82ef95;

/// One product spreads what differs in few bits; not evenly, for every seed: so once more.
inline std::uint64_t finish(std::uint64_t hash) noexcept {
  return fold(hash ^ hash_odd, hash_even ^ (hash >> 32));
}

inline std::uint64_t hash_of(std::string_view key, std::uint64_t seed) noexcept {
  auto hash = seed ^ fold(key.size() + hash_odd, hash_even);
  const char* at = key.data();
  auto left = key.size();
  for (; left > 16; at += 16, left -= 16)
    hash = fold(load(at, 8) ^ hash_odd, load(at + 8, 8) ^ hash);
  const auto first = left < 8 ? left : 8;
  return finish(fold(load(at, first) ^ hash ^ hash_odd,
                     (left > 8 ? load(at + 8, left - 8) : 0) ^ fold(hash, hash_even) ^ hash_even));
}

inline std::uint64_t hash_of(std::uint64_t key, std::uint64_t seed) noexcept {
  return finish(fold(key ^ seed, hash_odd));
}

} // namespace detail

/// Hash of a key, good in all its bits. Holds for this process.
template <class Key>
struct key_hash;

template <>
struct key_hash<std::string_view> {
  std::uint64_t operator()(std::string_view key) const noexcept {
    return detail::hash_of(key, hash_seed);
  }
};

template <std::convertible_to<std::string_view> Key>
struct key_hash<Key> : key_hash<std::string_view> {};

template <std::integral Key>
struct key_hash<Key> {
  std::uint64_t operator()(Key key) const noexcept {
    return detail::hash_of(static_cast<std::uint64_t>(key), hash_seed);
  }
};

} // namespace instar
