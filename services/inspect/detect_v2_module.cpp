#include "actors/module.hpp"
#include "services/inspect/automaton.hpp"
#include "services/inspect/detect.hpp"

namespace instar::inspect {
namespace {

/// All rules at once.
class detect_v2 final : public detect {
public:
  static constexpr operator_type type = [] {
    auto made = base_type;
    made.version = 2;
    return made;
  }();

  explicit detect_v2(const settings& values) : detect(values) {
    matcher_ = std::make_unique<automaton>(rules_);
  }
};

} // namespace
} // namespace instar::inspect

INSTAR_MODULE("inspect_detect_v2", instar::inspect::detect_v2)
