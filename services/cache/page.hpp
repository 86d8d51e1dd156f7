#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace instar::file_cache {

inline constexpr std::size_t page_bytes = 4096;

/// A file as it was at one moment: one that has changed since is another.
struct file_identity {
  std::uint64_t device = 0, inode = 0;
  std::uint64_t changed = 0; ///< its status, in nanoseconds

  bool operator==(const file_identity&) const = default;
};

struct page_key {
  file_identity file;
  std::uint64_t number = 0; ///< counted from the beginning of the file

  bool operator==(const page_key&) const = default;
};

/// Bytes of a file. Fewer than `page_bytes` at its end.
struct page {
  std::array<std::byte, page_bytes> bytes;
  std::uint32_t size = 0;
};

/// A page in a cache. A cache hands over all of them.
struct kept_page {
  page_key key;
  std::unique_ptr<page> body;
  bool used = false; ///< since the hand of the clock came by
};
using kept_pages = std::vector<kept_page>;

} // namespace instar::file_cache
