#pragma once

#include "actors/call_port.hpp"
#include "services/counter/serving.hpp"

#include <array>
#include <atomic>

namespace instar::counting {

/// A cell of its own for each caller: to add touches nothing that others write; to read is to add
/// up all cells.
class partitioned_number final : public object {
public:
  static constexpr std::string_view type_name = "counter.partitioned";
  static constexpr std::string_view help = "a counter that is cheap to add to, from many threads";

  void add(call_slot& by, std::uint64_t n) noexcept override {
    by.count(updates);
    auto& own = cells_[by.index()].n;
    if (by.index() >= used_.load(std::memory_order_relaxed)) [[unlikely]]
      use(by.index() + 1);
    own.store(own.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  std::uint64_t value(call_slot& by) const noexcept override {
    by.count(reads);
    return sum();
  }

  /// Before any call.
  void begin_at(std::uint64_t value) noexcept { before_ = value; }
  std::uint64_t sum() const noexcept {
    auto all = before_;
    const auto used = used_.load(std::memory_order_acquire);
    for (std::size_t i = 0; i < used; ++i) all += cells_[i].n.load(std::memory_order_relaxed);
    return all;
  }

private:
  struct alignas(undisturbed) cell {
    std::atomic<std::uint64_t> n{0}; // only its caller writes
  };

  void use(std::size_t first) noexcept {
    auto used = used_.load(std::memory_order_relaxed);
    while (used < first && !used_.compare_exchange_weak(used, first)) {
    }
  }

  std::array<cell, call_port::most_callers> cells_;
  std::uint64_t before_ = 0;         // what was handed over
  std::atomic<std::size_t> used_{0}; // cells above are zero
};

using partitioned = serving<partitioned_number>;

} // namespace instar::counting
