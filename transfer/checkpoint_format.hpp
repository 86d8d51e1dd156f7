#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

/// What writer and reader of checkpoint files share. The page is CHECKPOINTS.md.
namespace instar::checkpoint_format {

constexpr std::array<char, 8> magic{'i', 'n', 's', 't', 'a', 'r', 'C', '\n'};
constexpr std::uint32_t version = 1;
constexpr std::size_t head_bytes = 64;
constexpr std::size_t section_head_bytes = 32;
constexpr std::size_t trailer_bytes = 32;
constexpr std::size_t max_name = 4096;
constexpr std::uint64_t max_sections = std::uint64_t{1} << 24;

constexpr std::uint64_t padded(std::uint64_t n) { return (n + 7) & ~std::uint64_t{7}; }

template <class T>
void put(std::span<std::byte> into, std::size_t at, T value) {
  std::memcpy(into.data() + at, &value, sizeof value);
}

template <class T>
T get(std::span<const std::byte> from, std::size_t at) {
  T value;
  std::memcpy(&value, from.data() + at, sizeof value);
  return value;
}

} // namespace instar::checkpoint_format
