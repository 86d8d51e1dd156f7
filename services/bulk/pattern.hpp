#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

namespace instar::bulk {

/// The bytes of a transfer: both sides know which has to be at each place, so that one that is
/// lost, doubled or changed is noticed where it is. Each seed has its own.
class pattern {
public:
  explicit pattern(std::uint64_t seed) noexcept : seed_(seed) {}

  /// Those from `offset` on.
  void fill(std::span<std::byte> into, std::uint64_t offset) const noexcept {
    each_piece(into.size(), offset, [&](std::size_t at, const std::byte* piece, std::size_t size) {
      std::memcpy(into.data() + at, piece, size);
      return true;
    });
  }

  /// Where `seen`, which begins at `offset`, is not what it should be.
  std::optional<std::uint64_t> find_wrong(std::span<const std::byte> seen,
                                          std::uint64_t offset) const noexcept {
    std::optional<std::uint64_t> wrong;
    each_piece(seen.size(), offset, [&](std::size_t at, const std::byte* piece, std::size_t size) {
      if (std::memcmp(seen.data() + at, piece, size) == 0) return true;
      const auto* const first = seen.data() + at;
      wrong = offset + at +
              static_cast<std::uint64_t>(std::mismatch(first, first + size, piece).first - first);
      return false;
    });
    return wrong;
  }

private:
  /// Spreads every bit of the number of a word over the whole word.
  std::uint64_t word(std::uint64_t number) const noexcept {
    auto mixed = (number + seed_) * 0x9e3779b97f4a7c15;
    mixed ^= mixed >> 32;
    mixed *= 0xd1342543de82ef95;
    return mixed ^ mixed >> 29;
  }

  /// Calls `use(at, bytes, size)` for the pieces of so many bytes, until it returns false.
  template <class Use>
  void each_piece(std::size_t size, std::uint64_t offset, Use use) const {
    std::size_t at = 0;
    while (at < size) {
      const auto place = offset + at;
      const auto value = word(place / sizeof(std::uint64_t));
      std::byte bytes[sizeof value];
      std::memcpy(bytes, &value, sizeof value);
      const auto skipped = static_cast<std::size_t>(place % sizeof value);
      const auto taken = std::min(sizeof value - skipped, size - at);
      if (!use(at, bytes + skipped, taken)) return;
      at += taken;
    }
  }

  const std::uint64_t seed_;
};

} // namespace instar::bulk
