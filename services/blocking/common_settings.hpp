#pragma once

#include "actors/blocking_operator.hpp"
#include "actors/operator_type.hpp"

namespace instar::blocking {

/// Of every type whose operators block: see `rest_of`.
inline constexpr setting_type interruptible_setting{
    "interruptible", setting_kind::boolean, "true", false,
    "an update interrupts what the operator waits for; without it the update waits, too"};

/// For `blocking_operator`'s constructor. All that is saved is in members whenever one of the
/// operators here calls a wrapper.
inline rest_place rest_of(const settings& values) {
  return values.boolean("interruptible") ? rest_place::where_it_waits : rest_place::at_next_call;
}

} // namespace instar::blocking
