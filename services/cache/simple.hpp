#pragma once

#include "services/cache/copy.hpp"
#include "services/cache/lock_counted.hpp"
#include "services/cache/page_table.hpp"
#include "services/cache/serving.hpp"

#include <mutex>
#include <utility>

namespace instar::file_cache {

/// One table and one lock: nothing to look for before the page, but one caller at a time.
class simple_pages final : public object {
public:
  static constexpr std::string_view type_name = "cache.simple";
  static constexpr std::string_view help = "keeps pages of files, in one table with one lock";

  explicit simple_pages(std::size_t capacity) : capacity_(capacity) {}

  std::optional<std::size_t> read(call_slot& by, const page_key& which, std::size_t offset,
                                  std::span<std::byte> into) override {
    const auto lock = lock_counted(guard_, by);
    const auto* const found = table_.find(which);
    by.count(found ? hits : misses);
    if (!found) return std::nullopt;
    return copy_from(*found, offset, into);
  }
  void keep(call_slot& by, const page_key& which, std::unique_ptr<page> body) override {
    kept_page one{which, std::move(body), true};
    const auto lock = lock_counted(guard_, by);
    add(one);
  }

  // While nobody calls, or `each`: also while they do.

  void take(kept_pages from) {
    for (auto& one : from) add(one);
  }
  kept_pages give() {
    kept_pages all;
    table_.give(all);
    return all;
  }
  template <class Visit>
  void each(Visit&& visit) const {
    const std::lock_guard lock(guard_);
    for (const auto& one : table_.all()) visit(one);
  }

private:
  void add(kept_page& one) {
    if (table_.add(one) && table_.size() > capacity_) table_.evict();
  }

  const std::size_t capacity_;
  mutable std::mutex guard_;
  page_table table_;
};

using simple = serving<simple_pages>;

} // namespace instar::file_cache
