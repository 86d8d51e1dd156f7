#pragma once

#include "transfer/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace instar {

/// What the values of an expression are. A threshold needs a unit that fits. Values are in seconds,
/// bytes, per second; a share of 1 is 100%.
enum class policy_unit : std::uint8_t { count, share, time, bytes, rate, byte_rate };

std::string_view to_string(policy_unit unit);
/// Nothing if a quotient of these is nothing that a threshold could be given for.
std::optional<policy_unit> divide(policy_unit dividend, policy_unit divisor);
/// A threshold as a rule writes it: `200`, `80%`, `2ms`, `2GiB`, `5000/s`, `10MB/s`.
result<double> parse_threshold(std::string_view text, policy_unit unit);
/// For people.
std::string value_text(double value, policy_unit unit);

/// Without blanks at both ends.
std::string_view policy_trimmed(std::string_view text);
/// All of the text as a finite number.
std::optional<double> policy_number(std::string_view text);

} // namespace instar
