#pragma once

#include "actors/own_metrics.hpp"

#include <cstdint>
#include <vector>

namespace instar::http {
class response;
}

/// What is counted of the requests that pass a meter: by whoever sees the response pass, and by who
/// has written it. Host-owned, because the two are of different modules and versions.
///
/// No lock, no allocation.
namespace instar::http::traffic {

/// The series. `bounds`: of the durations, in nanoseconds.
std::vector<metric_description> describe(const std::vector<std::uint64_t>& bounds);

/// A response passes: its request counts from now on.
void note_passed(own_metrics& into, const response& of) noexcept;

/// A response that has `counted_by` was written so far, and no more will be.
void note_written(const response& of, std::uint64_t sent, bool complete) noexcept;

} // namespace instar::http::traffic
