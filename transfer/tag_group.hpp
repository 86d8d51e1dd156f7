#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace instar::detail {

/// Eight slots of an open hash table, each known by a tag of one byte, looked at all at once.
class tag_group {
public:
  static constexpr std::size_t slots = 8;
  static constexpr std::uint8_t empty = 0, gone = 1;

  /// The tag of a slot that is taken by an entry of this hash.
  static constexpr std::uint8_t of(std::uint64_t hash) {
    return static_cast<std::uint8_t>(0x80 | (hash & 0x7f));
  }

  explicit tag_group(const std::uint8_t* at) {
    static_assert(std::endian::native == std::endian::little);
    std::memcpy(&tags_, at, slots);
  }

  /// A set of slots.
  class matches {
  public:
    explicit matches(std::uint64_t bits) : bits_(bits) {}
    explicit operator bool() const { return bits_ != 0; }
    std::size_t first() const { return static_cast<std::size_t>(std::countr_zero(bits_)) / 8; }
    void pop() { bits_ &= bits_ - 1; }

  private:
    std::uint64_t bits_; // the highest bit of each byte
  };

  matches equal(std::uint8_t tag) const { return matches(zeros(tags_ ^ (ones * tag))); }
  matches vacant() const { return matches(~tags_ & highs); } // empty or gone
  matches taken() const { return matches(tags_ & highs); }
  bool has_empty() const { return zeros(tags_) != 0; }

private:
  static constexpr std::uint64_t ones = 0x0101010101010101, highs = ones * 0x80;

  /// The highest bit of each byte that is zero, and of no other.
  static constexpr std::uint64_t zeros(std::uint64_t x) {
    return ~(((x & ~highs) + ~highs) | x | ~highs);
  }

  std::uint64_t tags_ = 0;
};

} // namespace instar::detail
