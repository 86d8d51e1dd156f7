#pragma once

#include "actors/own_metrics.hpp"
#include "actors/status.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace instar {

/// The own metrics of one operator.
struct operator_samples {
  std::string name;
  std::vector<metric_sample> samples;
};

/// All that a service tells of itself at one moment: what `instarctl status` and `top` show, the
/// transitions so far, and what its operators count themselves.
struct observation {
  service_status status;
  transition_totals transitions;
  std::optional<checkpoint_seen> checkpoint; ///< if there is one
  std::vector<operator_samples> own;         ///< by name
};

/// How operators see the graph that they are in, and show others what they count: a resource of
/// every service (`context::host<metrics>`). Any thread; lives as long as the service.
class metrics {
public:
  static constexpr std::string_view resource_name = "instar.metrics";

  metrics() = default;
  metrics(const metrics&) = delete;
  metrics& operator=(const metrics&) = delete;
  virtual ~metrics();

  /// Asks the service and waits for the answer, mostly less than a millisecond, so only within
  /// `context::run_blocking`:
  ///
  ///   auto seen = std::make_shared<observation>();
  ///   ctx.run_blocking([&all = ctx.host<metrics>(), seen] { *seen = all.look(); },
  ///                    [this, seen](context& then) { judge(then, *seen); });
  ///
  /// Throws `std::runtime_error` if the service ends before it could answer.
  virtual observation look() = 0;

  // -- own metrics of operators --------------------------------------------------------------

  /// For an operator that begins, in `on_start` or `restore`.
  std::shared_ptr<own_metrics> make(std::vector<metric_description> what);
  /// Those of a predecessor, which still has them, by the `id` that it saved; null if nobody has.
  std::shared_ptr<own_metrics> find(std::uint64_t id) const;

  /// Shows them to whoever looks, under the operator's name, until the last copy of what is
  /// returned has gone. An operator calls it in `on_start`, and keeps that as long as it lives.
  using shown = std::shared_ptr<const void>;
  shown show(std::string_view operator_name, std::shared_ptr<own_metrics> what);

protected:
  std::vector<operator_samples> own() const;

private:
  struct entry {
    std::string name;
    std::shared_ptr<own_metrics> what;
  };

  mutable std::mutex guard_;
  std::uint64_t last_id_ = 0;
  std::map<std::uint64_t, std::weak_ptr<own_metrics>> made_;
  std::vector<std::weak_ptr<const entry>> shown_; // in the order in which they were shown
};

} // namespace instar
