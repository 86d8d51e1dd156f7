#pragma once

#include <string_view>

namespace instar::kv {

/// Whether `text` matches a pattern of `*`, `?`, `[a-z]`, `[^a]` and `\` before what is meant as it
/// is. Takes at most as many steps as the product of the lengths.
bool glob_match(std::string_view pattern, std::string_view text) noexcept;

} // namespace instar::kv
