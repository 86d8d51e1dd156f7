#pragma once

#include "actors/operator_type.hpp"

namespace instar::blocking {

/// Of every type whose operators block, for `blocking_operator`'s constructor.
inline constexpr setting_type interruptible_setting{
    "interruptible", setting_kind::boolean, "true", false,
    "an update interrupts what the operator waits for; without it the update waits, too"};

} // namespace instar::blocking
