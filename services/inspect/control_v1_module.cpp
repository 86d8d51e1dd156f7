#include "actors/module.hpp"
#include "services/inspect/control.hpp"

namespace instar::inspect {
namespace {

/// Waits for its clients as long as they like.
class control_v1 final : public control {
public:
  static constexpr operator_type type = base_type;

  explicit control_v1(const settings& values)
      : control(values, std::nullopt, "scan, stats and quit") {}
};

} // namespace
} // namespace instar::inspect

INSTAR_MODULE("inspect_control_v1", instar::inspect::control_v1)
