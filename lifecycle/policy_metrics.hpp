#pragma once

#include "actors/metrics.hpp"
#include "lifecycle/policy_units.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace instar {

/// A metric as a rule names it. POLICIES.md lists them.
struct metric_use {
  std::string name;            ///< `queued`, …; `own` for what an operator counts itself
  std::string from, from_port; ///< of an arc; else empty
  std::string op, op_port;     ///< of an operator; of an arc: where it leads to
  std::string series;          ///< own: its name
  std::vector<std::pair<std::string, std::string>> labels;
  double quantile = 0; ///< own: of a histogram; 0 = none is asked for
  policy_unit unit = policy_unit::count;

  /// The same for all that mean the same.
  std::string text() const;
};

/// `name(arguments)`. The failure says what there is instead.
result<metric_use> parse_metric(std::string_view name, std::string_view arguments);
bool is_metric(std::string_view name);
std::vector<std::string> metric_names();

/// What is read of a metric at one look.
struct metric_reading {
  enum class shape : std::uint8_t {
    level,     ///< a value of now
    counter,   ///< grows: its rate is meant
    wait,      ///< `level` packets wait, `count` were taken so far
    histogram, ///< `count` is the sum of what was recorded
  };

  shape kind = shape::level;
  double level = 0;
  double count = 0;
  std::vector<std::uint64_t> buckets; ///< of a histogram, each alone; above the last bound
  std::vector<double> bounds;         ///< … and its bounds
  std::string missing;                ///< why nothing could be read; empty if it was
};

metric_reading read_metric(const metric_use& what, const observation& in);

/// The ends of an arc's name, `from.port -> to.port`.
struct arc_ends {
  std::string_view from, from_port, to, to_port;
};
arc_ends ends_of_arc(std::string_view name);

} // namespace instar
