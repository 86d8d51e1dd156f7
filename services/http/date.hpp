#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace instar::http {

using date_text = std::array<char, 29>;

/// Writes `Sun, 06 Nov 1994 08:49:37 GMT`, without locale or time zone.
void write_date(std::int64_t seconds_since_1970, date_text& into) noexcept;

/// Seconds since 1970 of a date in any of the three forms that RFC 9110 asks to understand (5.6.7).
std::optional<std::int64_t> parse_date(std::string_view text) noexcept;

} // namespace instar::http
