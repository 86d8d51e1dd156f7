#pragma once

#include "services/counter/serving.hpp"

#include <atomic>

namespace instar::counting {

/// One number for all: to read it is one load, to add is to take its cache line from whoever added
/// last.
class shared_number final : public object {
public:
  static constexpr std::string_view type_name = "counter.shared";
  static constexpr std::string_view help = "a counter that is cheap to read";

  void add(call_slot& by, std::uint64_t n) noexcept override {
    by.count(updates);
    const auto before = number_.fetch_add(n, std::memory_order_relaxed);
    if (before != by.note) by.count(contended); // somebody else has added meanwhile
    by.note = before + n;
  }
  std::uint64_t value(call_slot& by) const noexcept override {
    by.count(reads);
    return sum();
  }

  /// Before any call.
  void begin_at(std::uint64_t value) noexcept { number_.store(value, std::memory_order_relaxed); }
  std::uint64_t sum() const noexcept { return number_.load(std::memory_order_relaxed); }

private:
  alignas(undisturbed) std::atomic<std::uint64_t> number_{0};
};

using shared = serving<shared_number>;

} // namespace instar::counting
