#pragma once

#include "actors/call_ports.hpp"
#include "actors/caller.hpp"
#include "services/counter/object.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace instar::counting {

/// A thread's way to a counter. For one thread at a time.
class handle {
public:
  /// `name`: of the operator, or the `port` that its settings say.
  handle(call_ports& all, std::string_view name) : caller_(all.port<object>(name)) {}

  /// Waits until somebody serves there; returns whether that was within `patience`.
  bool await(std::chrono::nanoseconds patience) const { return caller_.await(patience); }

  /// False if nobody serves there: then nothing was added.
  bool add(std::uint64_t n = 1) {
    return caller_.call([n](object& to, call_slot& by) { to.add(by, n); });
  }
  std::optional<std::uint64_t> value() {
    std::optional<std::uint64_t> seen;
    caller_.call([&seen](const object& of, call_slot& by) { seen = of.value(by); });
    return seen;
  }

private:
  caller<object> caller_;
};

} // namespace instar::counting
