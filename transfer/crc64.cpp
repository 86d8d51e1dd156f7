#include "transfer/crc64.hpp"

#include <array>
#include <bit>
#include <cstring>

namespace instar {

static_assert(std::endian::native == std::endian::little, "words are taken as they lie in memory");

namespace {

constexpr std::uint64_t polynomial = 0xC96C5795D7870F42; // reflected
constexpr std::size_t word = 8;
using tables = std::array<std::array<std::uint64_t, 256>, word>;

/// `[n][b]` is the effect of byte `b` when `n` more bytes follow it in its word.
constexpr tables make_tables() {
  tables made{};
  for (std::uint64_t b = 0; b < 256; ++b) {
    auto rest = b;
    for (int bit = 0; bit < 8; ++bit) rest = (rest >> 1) ^ (rest & 1 ? polynomial : 0);
    made[0][b] = rest;
  }
  for (std::size_t n = 1; n < word; ++n)
    for (std::size_t b = 0; b < 256; ++b)
      made[n][b] = (made[n - 1][b] >> 8) ^ made[0][made[n - 1][b] & 0xff];
  return made;
}

constexpr tables effects = make_tables();

} // namespace

void crc64::add(std::span<const std::byte> bytes) noexcept {
  auto state = state_;
  const auto* at = bytes.data();
  auto left = bytes.size();
  for (; left >= word; at += word, left -= word) {
    std::uint64_t next;
    std::memcpy(&next, at, word);
    next ^= state;
    state = 0;
    for (std::size_t n = 0; n < word; ++n) state ^= effects[word - 1 - n][(next >> (8 * n)) & 0xff];
  }
  for (; left > 0; ++at, --left)
    state = (state >> 8) ^ effects[0][(state ^ std::to_integer<std::uint64_t>(*at)) & 0xff];
  state_ = state;
}

} // namespace instar
