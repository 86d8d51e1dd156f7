#pragma once

#include "services/cache/page.hpp"

#include <cstddef>
#include <cstdint>
#include <unordered_map>

namespace instar::file_cache {

/// Pages by their keys, and which of them has to go when there is no room: the first one that the
/// hand of a clock finds unused since it came by last (second chance).
///
/// Not thread-safe.
class page_table {
public:
  /// Marks the page as used. Null if it is not there.
  const page* find(const page_key& which) noexcept;
  /// Returns whether it is new. The body is taken only then.
  bool add(kept_page& one);
  /// Lets the hand go round once. Returns whether it has found a page to go.
  bool evict_unused();
  /// … and again, if need be. Returns whether there was any page.
  bool evict() { return evict_unused() || evict_unused(); }

  std::size_t size() const noexcept { return frames_.size(); }
  const kept_pages& all() const noexcept { return frames_; }
  /// Adds all to `to`, and has none afterwards.
  void give(kept_pages& to);

private:
  struct key_hash {
    std::size_t operator()(const page_key& of) const noexcept;
  };

  std::unordered_map<page_key, std::size_t, key_hash> where_; // in frames_
  kept_pages frames_;
  std::size_t hand_ = 0;
};

/// Where a page belongs among all 64-bit numbers.
std::uint64_t place_of(const page_key& of) noexcept;

} // namespace instar::file_cache
