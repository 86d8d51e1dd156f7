#pragma once

#include <capnp/common.h>

#include <chrono>
#include <cstdint>
#include <string>

/// What the parts of admin_codec share.
namespace instar::codec {

inline std::string text(capnp::Text::Reader from) { return {from.cStr(), from.size()}; }

inline std::int64_t since_1970(std::chrono::system_clock::time_point when) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(when.time_since_epoch()).count();
}

inline std::chrono::system_clock::time_point time_point(std::int64_t since_1970) {
  return std::chrono::system_clock::time_point(
      std::chrono::duration_cast<std::chrono::system_clock::duration>(
          std::chrono::nanoseconds(since_1970)));
}

/// Writes each element of `from` into the list that `init` makes.
template <class Range, class Init, class Write>
void write_list(const Range& from, Init init, Write write_one) {
  auto list = init(static_cast<unsigned>(from.size()));
  unsigned i = 0;
  for (const auto& element : from) write_one(element, list[i++]);
}

/// The same for texts (strings or paths).
template <class Range, class Init>
void write_texts(const Range& from, Init init) {
  auto list = init(static_cast<unsigned>(from.size()));
  unsigned i = 0;
  for (const auto& one : from) list.set(i++, one.c_str());
}

} // namespace instar::codec
