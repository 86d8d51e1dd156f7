#include "actors/module.hpp"
#include "services/inspect/decode.hpp"

namespace instar::inspect {
namespace {

/// Also those that a tunnel carries in others.
class decode_v2 final : public decode {
public:
  static constexpr operator_type type = [] {
    auto made = base_type;
    made.version = 2;
    return made;
  }();

  explicit decode_v2(const settings& values) : decode(values, 4) {}
};

} // namespace
} // namespace instar::inspect

INSTAR_MODULE("inspect_decode_v2", instar::inspect::decode_v2)
