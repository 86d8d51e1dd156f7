#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace instar {

/// CRC-64/XZ of what it has been given, in any pieces. Finds accidents, not forgeries.
class crc64 {
public:
  void add(std::span<const std::byte> bytes) noexcept;
  std::uint64_t value() const noexcept { return ~state_; }

private:
  std::uint64_t state_ = ~std::uint64_t{0};
};

} // namespace instar
