#include "actors/module.hpp"
#include "services/inspect/detect.hpp"
#include "services/inspect/search_each.hpp"

namespace instar::inspect {
namespace {

/// One rule after the other.
class detect_v1 final : public detect {
public:
  static constexpr operator_type type = base_type;

  explicit detect_v1(const settings& values) : detect(values) {
    matcher_ = std::make_unique<search_each>(rules_);
  }
};

} // namespace
} // namespace instar::inspect

INSTAR_MODULE("inspect_detect_v1", instar::inspect::detect_v1)
