#pragma once

#include "actors/operator.hpp"
#include "actors/settings.hpp"

#include <functional>
#include <memory>
#include <type_traits>

namespace instar {

/// Destroys an operator with the code that made it, and keeps that code loaded until then; for
/// good, if it cannot be destroyed.
struct instance_deleter {
  void (*destroy)(operator_base*) = nullptr;
  std::shared_ptr<const void> code; ///< the loaded module; null for operators of the host itself

  void operator()(operator_base* op) const {
    if (op->at_end()) destroy(op);
    else leave_behind(op, code);
  }
};
using operator_instance = std::unique_ptr<operator_base, instance_deleter>;

/// Makes instances of one operator type. Throws what the operator's constructor throws.
using operator_factory = std::function<operator_instance(const settings&)>;

/// A factory for an operator class that is part of the host, or of a test.
template <class Operator>
operator_factory host_factory() {
  return [](const settings& values) {
    operator_base* made = nullptr;
    if constexpr (std::is_constructible_v<Operator, const settings&>) made = new Operator(values);
    else made = new Operator();
    return operator_instance(made, {[](operator_base* op) { delete op; }, nullptr});
  };
}

} // namespace instar
