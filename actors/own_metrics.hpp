#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace instar {

enum class metric_kind : std::uint8_t {
  counter, ///< only grows
  gauge,
  histogram,
};

/// One series that an operator counts, by the conventions of Prometheus: the name in letters,
/// digits and underscores, with the unit in it (`_seconds`, `_bytes`), a counter's ending in
/// `_total`. Several series may have one name, if they differ in labels.
///
/// Values are whole numbers, so that to count is one addition: `unit` says what 1 is worth in the
/// name's unit, for example 1e-9 where nanoseconds are counted and seconds shown.
struct metric_description {
  std::string name;
  std::string help;
  metric_kind kind = metric_kind::counter;
  std::vector<std::pair<std::string, std::string>> labels = {}; ///< of a fixed, small set of values
  double unit = 1;
  std::vector<std::uint64_t> bounds = {}; ///< of a histogram: upper bounds, inclusive, ascending

  bool operator==(const metric_description&) const = default;
};

/// A series and its value at one moment.
struct metric_sample {
  metric_description what;
  double value = 0;                  ///< of a histogram: the sum of all values
  std::vector<std::uint64_t> counts; ///< of a histogram: by bound, each alone; above the last bound
};

/// What an operator counts for others to see, beside what is counted of every operator.
///
/// To count neither locks nor allocates. Any thread may count and look; each value is right by
/// itself, and those of one moment need not belong together. Host-owned, so that it goes on over
/// updates of the operator, and may be held by packets that are on their way.
class own_metrics {
public:
  /// Throws `std::invalid_argument` naming the metric whose description is none.
  explicit own_metrics(std::vector<metric_description> what);
  ~own_metrics();
  own_metrics(const own_metrics&) = delete;
  own_metrics& operator=(const own_metrics&) = delete;

  /// Names it in saved state; see `metrics::find`. 0 = not made by `metrics`.
  std::uint64_t id() const noexcept { return id_; }
  const std::vector<metric_description>& what() const noexcept { return what_; }

  // `which` is the place in the list of descriptions.

  /// Of a counter or a gauge.
  void add(std::size_t which, std::uint64_t n = 1) noexcept { grow(cells_[first_[which]], n); }
  /// Of a gauge.
  void set(std::size_t which, std::uint64_t value) noexcept {
    cells_[first_[which]].store(value, std::memory_order_relaxed);
  }
  /// Of a histogram: one more value.
  void record(std::size_t which, std::uint64_t value) noexcept {
    auto* const cells = &cells_[first_[which]];
    const auto& bounds = what_[which].bounds;
    std::size_t i = 0;
    while (i < bounds.size() && value > bounds[i]) ++i;
    grow(cells[0], value);
    grow(cells[1 + i], 1);
  }

  std::vector<metric_sample> samples() const;

  // -- state ---------------------------------------------------------------------------------

  /// What tells a series from every other one, its bounds included.
  static std::string key_of(const metric_description& of);
  /// The numbers of one series, for its state; and back. Numbers of another length are left alone.
  std::vector<std::uint64_t> numbers(std::size_t which) const;
  void set_numbers(std::size_t which, std::span<const std::uint64_t> numbers) noexcept;

private:
  friend class metrics;
  using cell = std::atomic<std::uint64_t>;
  static void grow(cell& c, std::uint64_t n) noexcept { c.fetch_add(n, std::memory_order_relaxed); }
  std::size_t size_of(std::size_t which) const noexcept {
    return first_[which + 1] - first_[which];
  }

  std::uint64_t id_ = 0;
  const std::vector<metric_description> what_;
  std::vector<std::size_t> first_; // cell of each; after the last, their number
  std::unique_ptr<cell[]> cells_;  // of a histogram: the sum, then the counts
};

} // namespace instar
