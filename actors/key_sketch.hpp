#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace instar {

/// Which key comes most often among many, in a little room (Misra and Gries, "Finding repeated
/// elements", 1982): a key that more than one in nine has is always known. Counts are at most too
/// low. What was seen long ago counts less.
///
/// Not thread-safe: used by the operator's core, which shows what it says.
class key_sketch {
public:
  /// Of so many packets one is seen.
  static constexpr std::size_t sampled = 64;
  static constexpr std::size_t slots = 8;
  /// After so many all counts are halved.
  static constexpr std::uint64_t memory = 4096;

  void see(std::uint64_t key);

  struct hottest {
    std::uint64_t key = 0, count = 0; ///< of `seen`
  };
  hottest most() const;
  std::uint64_t seen() const { return seen_; }

private:
  std::array<hottest, slots> slots_{};
  std::uint64_t seen_ = 0;
};

} // namespace instar
