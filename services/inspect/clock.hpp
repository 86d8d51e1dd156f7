#pragma once

#include <chrono>
#include <cstdint>

namespace instar::inspect {

using steady = std::chrono::steady_clock;

/// How long it is until then, for the state: points in time do not outlive the process.
inline std::int64_t left_until(steady::time_point then) {
  return std::chrono::nanoseconds(then - steady::now()).count();
}
/// The way back, at most so far away.
inline steady::time_point from_now(std::int64_t left, std::chrono::nanoseconds most) {
  if (left > most.count()) left = most.count();
  if (left < 0) left = 0;
  return steady::now() + std::chrono::nanoseconds(left);
}

} // namespace instar::inspect
