#pragma once

#include "lifecycle/policy_metrics.hpp"

#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>
#include <string>

namespace instar {

/// What a metric was over the latest time: the rate of a counter, the mean of a level, the mean or
/// a quantile of what a histogram has recorded.
///
/// There is a value once a whole window has been seen without a break. A counter that goes
/// backwards, because somebody began to count anew, is a break.
class metric_window {
public:
  using time_point = std::chrono::steady_clock::time_point;

  /// With `quantile`, that of a histogram instead of its mean.
  explicit metric_window(std::chrono::nanoseconds length, double quantile = 0)
      : length_(length), quantile_(quantile) {}

  void add(time_point now, metric_reading reading);
  /// What comes now has nothing to do with what was.
  void clear() { points_.clear(); }

  struct value {
    std::optional<double> number;
    std::string why_not; ///< if there is none
  };
  value look() const;
  /// Why the latest reading was none; empty if it was one.
  const std::string& missing() const { return missing_; }

private:
  struct point {
    time_point at;
    metric_reading reading;
  };

  bool goes_on(const metric_reading& next) const;
  double mean_level() const;
  value of_histogram() const;

  const std::chrono::nanoseconds length_;
  const double quantile_;
  std::deque<point> points_; // the first one is just as old as the window is long, or older
  std::string missing_ = "it has not been looked at yet";
};

} // namespace instar
