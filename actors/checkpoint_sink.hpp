#pragma once

#include "transfer/state.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace instar {

/// A timer as a checkpoint has it: clocks differ from process to process.
struct saved_timer {
  std::chrono::nanoseconds left{0};
  std::uint64_t token = 0;

  bool operator==(const saved_timer&) const = default;
};

/// Where operators put at their cuts what belongs into a checkpoint. Any thread; never blocks.
class checkpoint_sink {
public:
  virtual ~checkpoint_sink();

  /// A part of an operator's keyed state. Of two parts with the same key the later one counts.
  /// `taken` is called, on any thread, when it is no longer held in memory.
  virtual void part(const std::string& name, state content, std::function<void()> taken) = 0;
  /// What else the operator has at its cut. Nothing of it comes after this.
  virtual void cut(const std::string& name, state saved, std::vector<saved_timer> timers) = 0;
};

} // namespace instar
