#pragma once

#include "services/cache/copy.hpp"
#include "services/cache/lock_counted.hpp"
#include "services/cache/page_table.hpp"
#include "services/cache/serving.hpp"

#include <array>
#include <atomic>
#include <mutex>
#include <utility>

namespace instar::file_cache {

/// Pages are spread over parts by their keys, each with a table and a lock of its own: callers meet
/// only where they want pages of the same part. Room is counted over all parts, so that what fits
/// into another cache of this capacity fits here, however it is spread.
class partitioned_pages final : public object {
public:
  static constexpr std::string_view type_name = "cache.partitioned";
  static constexpr std::string_view help = "keeps pages of files, in many tables with their locks";

  explicit partitioned_pages(std::size_t capacity) : capacity_(capacity) {}

  std::optional<std::size_t> read(call_slot& by, const page_key& which, std::size_t offset,
                                  std::span<std::byte> into) override {
    auto& part = parts_[part_of(which)];
    const auto lock = lock_counted(part.guard, by);
    const auto* const found = part.table.find(which);
    by.count(found ? hits : misses);
    if (!found) return std::nullopt;
    return copy_from(*found, offset, into);
  }
  void keep(call_slot& by, const page_key& which, std::unique_ptr<page> body) override {
    kept_page one{which, std::move(body), true};
    {
      auto& part = parts_[part_of(which)];
      const auto lock = lock_counted(part.guard, by);
      if (!part.table.add(one)) return;
    }
    if (size_.fetch_add(1, std::memory_order_relaxed) >= capacity_) make_room();
  }

  // While nobody calls, or `each`: also while they do.

  void take(kept_pages from) {
    for (auto& one : from)
      if (parts_[part_of(one.key)].table.add(one) &&
          size_.fetch_add(1, std::memory_order_relaxed) >= capacity_)
        make_room();
  }
  kept_pages give() {
    kept_pages all;
    all.reserve(size_.load(std::memory_order_relaxed));
    for (auto& part : parts_) part.table.give(all);
    size_.store(0, std::memory_order_relaxed);
    return all;
  }
  template <class Visit>
  void each(Visit&& visit) const {
    for (const auto& part : parts_) {
      const std::lock_guard lock(part.guard);
      for (const auto& one : part.table.all()) visit(one);
    }
  }

private:
  static constexpr std::size_t part_count = 64;
  struct alignas(undisturbed) part {
    mutable std::mutex guard;
    page_table table;
  };

  /// Not by the bits that choose a place within the part's table.
  static std::size_t part_of(const page_key& which) noexcept {
    return static_cast<std::size_t>(place_of(which) >> 58);
  }
  static_assert(part_count == std::size_t{1} << (64 - 58));

  /// The hand of the clock goes from part to part. In a second round it finds one, unless callers
  /// have used all pages again meanwhile: then any has to go.
  void make_room() {
    const auto begin = hand_.load(std::memory_order_relaxed);
    for (std::size_t i = 0; i < 3 * part_count; ++i) {
      const auto at = (begin + i) % part_count;
      auto& part = parts_[at];
      const std::lock_guard lock(part.guard);
      if (i < 2 * part_count ? !part.table.evict_unused() : !part.table.evict()) continue;
      size_.fetch_sub(1, std::memory_order_relaxed);
      hand_.store(at, std::memory_order_relaxed);
      return;
    }
  }

  const std::size_t capacity_;
  std::atomic<std::size_t> size_{0}; // pages of all parts
  std::atomic<std::size_t> hand_{0}; // a part
  std::array<part, part_count> parts_;
};

using partitioned = serving<partitioned_pages>;

} // namespace instar::file_cache
