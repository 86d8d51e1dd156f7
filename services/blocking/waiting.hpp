#pragma once

#include "actors/blocking_operator.hpp"

#include <poll.h>

#include <algorithm>
#include <chrono>

namespace instar::blocking {

/// Waits until a descriptor can be read (`POLLIN`) or written (`POLLOUT`). Returns whether it can,
/// or has failed; not if that has taken until then. Throws `interrupted` only when it has to wait:
/// so what is on its way when the service stops gets as far as its client takes it.
inline bool wait_ready(blocking_context& ctx, int fd, short what,
                       std::chrono::steady_clock::time_point until) {
  pollfd one{fd, what, 0};
  if (::poll(&one, 1, 0) > 0) return true;
  const auto left = std::max<std::chrono::nanoseconds>(until - std::chrono::steady_clock::now(),
                                                       std::chrono::nanoseconds(0));
  return ctx.poll({&one, 1}, left).descriptors > 0;
}

} // namespace instar::blocking
