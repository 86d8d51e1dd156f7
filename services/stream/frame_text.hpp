#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace instar::stream {

/// What a listener can tell by that a frame came whole.
inline std::uint64_t checksum(std::string_view data) noexcept {
  std::uint64_t sum = 0xcbf29ce484222325; // FNV-1a
  for (const char c : data) sum = (sum ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return sum;
}

/// A frame as listeners get it: `FRAME sequence position size checksum` and the bytes, or
/// `SILENCE sequence` if there are none.
inline std::string encode(std::uint64_t sequence, std::uint64_t position, std::string_view data) {
  if (data.empty()) return "SILENCE " + std::to_string(sequence) + "\n";
  auto text = "FRAME " + std::to_string(sequence) + " " + std::to_string(position) + " " +
              std::to_string(data.size()) + " " + std::to_string(checksum(data)) + "\n";
  text += data;
  return text;
}

} // namespace instar::stream
