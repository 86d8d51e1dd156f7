#pragma once

#include "actors/call_slot.hpp"
#include "actors/own_metrics.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace instar::counting {

/// A number that many threads add to and read: the interface that K42's experiment exchanges the
/// implementation of. Called through `handle`.
class object {
public:
  static constexpr std::string_view interface_name = "counter";

  /// What is counted of its callers, for `call_slot::count`.
  enum counted : std::size_t { updates, reads, contended };
  /// … as metrics of who serves.
  static std::vector<metric_description> metrics();

  virtual void add(call_slot& by, std::uint64_t n) noexcept = 0;
  /// At least what had been added when it was called, at most what has been when it returns.
  virtual std::uint64_t value(call_slot& by) const noexcept = 0;

protected:
  object() = default;
  virtual ~object();
};

/// What one implementation hands over to another.
struct total {
  std::uint64_t value = 0;
};

} // namespace instar::counting
