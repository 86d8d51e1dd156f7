#pragma once

#include "lifecycle/policy.hpp"
#include "lifecycle/policy_state.capnp.h"

namespace instar {

/// What a policy remembers, in the words of policy_state.capnp; reading what was written gives the
/// same. What is malformed reads as something harmless: ages below 0 as 0, unknown places as none.
void write(const policy_memory& from, wire::PolicyState::Builder to);
policy_memory read(wire::PolicyState::Reader from);

/// Everything in it happened so much longer ago.
void grow_older(policy_memory& by_now, std::chrono::nanoseconds since);

} // namespace instar
