#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace instar::http {

using date_text = std::array<char, 29>;

/// Writes `Sun, 06 Nov 1994 08:49:37 GMT`, without locale or time zone.
void write_date(std::int64_t seconds_since_1970, date_text& into) noexcept;

} // namespace instar::http
