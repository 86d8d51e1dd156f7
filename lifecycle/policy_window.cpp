#include "lifecycle/policy_window.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace instar {

namespace {

/// What was recorded between two looks, by bucket.
std::vector<std::uint64_t> grown(const std::vector<std::uint64_t>& before,
                                 const std::vector<std::uint64_t>& after) {
  auto made = after;
  for (std::size_t i = 0; i < made.size() && i < before.size(); ++i) made[i] -= before[i];
  return made;
}

/// Evenly spread within its bucket; above the last bound: that bound.
double quantile_of(double quantile, const std::vector<std::uint64_t>& buckets,
                   const std::vector<double>& bounds, std::uint64_t total) {
  const double rank = quantile * static_cast<double>(total);
  double below = 0;
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    const auto here = static_cast<double>(buckets[i]);
    if (below + here >= rank && here > 0) {
      const double from = i == 0 ? 0 : bounds[i - 1];
      return from + (bounds[i] - from) * (rank - below) / here;
    }
    below += here;
  }
  return bounds.empty() ? 0 : bounds.back();
}

double seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

} // namespace

bool metric_window::goes_on(const metric_reading& next) const {
  if (points_.empty()) return true;
  const auto& last = points_.back().reading;
  if (last.kind != next.kind || last.bounds != next.bounds) return false;
  if (next.count < last.count || next.buckets.size() != last.buckets.size()) return false;
  return std::equal(last.buckets.begin(), last.buckets.end(), next.buckets.begin(),
                    [](std::uint64_t a, std::uint64_t b) { return a <= b; });
}

void metric_window::add(time_point now, metric_reading reading) {
  missing_ = reading.missing;
  if (!missing_.empty()) return points_.clear();
  if (!goes_on(reading)) points_.clear();
  points_.push_back({now, std::move(reading)});
  while (points_.size() > 2 && points_[1].at <= now - length_) points_.pop_front();
}

double metric_window::mean_level() const {
  // Each stands for the time up to it.
  double sum = 0;
  for (std::size_t i = 1; i < points_.size(); ++i)
    sum += points_[i].reading.level * seconds(points_[i].at - points_[i - 1].at);
  return sum / seconds(points_.back().at - points_.front().at);
}

metric_window::value metric_window::of_histogram() const {
  const auto &first = points_.front().reading, &last = points_.back().reading;
  const auto buckets = grown(first.buckets, last.buckets);
  std::uint64_t total = 0;
  for (const auto n : buckets) total += n;
  if (total == 0) return {std::nullopt, "nothing was recorded within the window"};
  if (quantile_ > 0) return {quantile_of(quantile_, buckets, last.bounds, total), {}};
  return {(last.count - first.count) / static_cast<double>(total), {}};
}

metric_window::value metric_window::look() const {
  if (!missing_.empty()) return {std::nullopt, missing_};
  if (points_.size() < 2 || points_.back().at - points_.front().at < length_ ||
      points_.back().at == points_.front().at)
    return {std::nullopt, "the window is not full yet"};
  const auto &first = points_.front(), &last = points_.back();
  const double rate = (last.reading.count - first.reading.count) / seconds(last.at - first.at);
  switch (last.reading.kind) {
  case metric_reading::shape::level:
    return {mean_level(), {}};
  case metric_reading::shape::counter:
    return {rate, {}};
  case metric_reading::shape::wait: {
    const double level = mean_level();
    if (level == 0) return {0.0, {}};
    if (rate == 0) return {std::numeric_limits<double>::infinity(), {}};
    return {level / rate, {}};
  }
  case metric_reading::shape::histogram:
    break;
  }
  return of_histogram();
}

} // namespace instar
