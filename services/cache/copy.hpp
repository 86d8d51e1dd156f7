#pragma once

#include "services/cache/page.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>

namespace instar::file_cache {

/// Copies what a page has from `offset` on, and says how much.
inline std::size_t copy_from(const page& from, std::size_t offset, std::span<std::byte> into) {
  if (offset >= from.size) return 0;
  const auto count = std::min<std::size_t>(into.size(), from.size - offset);
  std::memcpy(into.data(), from.bytes.data() + offset, count);
  return count;
}

} // namespace instar::file_cache
