#pragma once

#include <capnp/blob.h>
#include <capnp/common.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

/// How blocking operators write down what they have in common.
namespace instar::blocking {

using steady = std::chrono::steady_clock;

/// Nanoseconds of this process's steady clock.
inline std::uint64_t saved_time(steady::time_point at) {
  return static_cast<std::uint64_t>(std::chrono::nanoseconds(at.time_since_epoch()).count());
}
inline steady::time_point time_of(std::uint64_t saved) {
  return steady::time_point(std::chrono::nanoseconds(static_cast<std::int64_t>(saved)));
}

/// Bytes, of which some may be no text.
inline capnp::Data::Reader saved_bytes(std::string_view text) {
  return {reinterpret_cast<const kj::byte*>(text.data()), text.size()};
}
inline std::string bytes_of(capnp::Data::Reader from) {
  return {reinterpret_cast<const char*>(from.begin()), from.size()};
}

} // namespace instar::blocking
