#pragma once

#include "lifecycle/policy_metrics.hpp"
#include "lifecycle/policy_window.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace instar {

enum class relation : std::uint8_t { less, less_equal, greater, greater_equal };
const char* to_string(relation r);

/// Values that a comparison is true for; all are 0 at least.
struct value_range {
  double from = 0, to = 0;
  bool with_from = true, with_to = true;

  bool empty() const { return from > to || (from == to && !(with_from && with_to)); }
  value_range and_also(const value_range& other) const;
};

/// `queued(a) / packets_in(a) > 2ms`
struct comparison {
  enum class action : std::uint8_t { take, add, divide };
  struct step {
    action what = action::take;
    std::size_t metric = 0; ///< take: its number among those of the rule
  };

  std::string expression;  ///< the same text for the same expression
  std::vector<step> steps; ///< on a stack
  policy_unit unit = policy_unit::count;
  relation is = relation::greater;
  double threshold = 0;

  /// `values` by number of metric. A value that is not there makes none.
  metric_window::value evaluate(const std::vector<metric_window::value>& values) const;
  bool holds(double value) const;
  value_range range() const;
  std::string text() const;
};

/// All of them have to hold.
struct condition {
  std::vector<comparison> all;

  std::string text() const;
};

/// Adds the metrics that it needs to `metrics`, each once. The failure names what is wrong in the
/// text, and what to write.
result<condition> parse_condition(std::string_view text, std::vector<metric_use>& metrics);

/// Why it is to the same as `true` or `false`; empty if it is not.
std::string flaw_of(const condition& c);
/// Why the two can be true at once or right after each other, so that who goes by both goes to and
/// fro; empty if they cannot, or nobody can tell.
std::string contradiction(const condition& there, const condition& back);

} // namespace instar
