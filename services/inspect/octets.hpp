#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace instar::inspect {

/// Bytes of a frame, owned by somebody else.
using octets = std::string_view;

/// Numbers as they are in a frame; there must be enough bytes.
inline std::uint8_t number8(octets from, std::size_t at) {
  return static_cast<std::uint8_t>(from[at]);
}
inline std::uint16_t number16(octets from, std::size_t at) {
  return static_cast<std::uint16_t>(number8(from, at) << 8 | number8(from, at + 1));
}
inline std::uint32_t number32(octets from, std::size_t at) {
  return std::uint32_t{number16(from, at)} << 16 | number16(from, at + 2);
}

} // namespace instar::inspect
