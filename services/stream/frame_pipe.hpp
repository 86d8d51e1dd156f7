#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

/// How the source passes frames to the mixer: through a pipe, because that is full when it is a few
/// frames ahead, and then the source waits in `write`. Each frame has its length before it.
namespace instar::stream::frame_pipe {

using length = std::uint32_t;
inline constexpr std::size_t largest = 256 * 1024;

inline void write_length(char* to, std::size_t size) noexcept {
  const auto value = static_cast<length>(size);
  std::memcpy(to, &value, sizeof value);
}

/// Of text that has at least the length.
inline std::size_t read_length(std::string_view from) noexcept {
  length value = 0;
  std::memcpy(&value, from.data(), sizeof value);
  return value;
}

} // namespace instar::stream::frame_pipe
