#include "actors/module.hpp"
#include "services/inspect/decode.hpp"

namespace instar::inspect {
namespace {

/// Packets as they are in frames.
class decode_v1 final : public decode {
public:
  static constexpr operator_type type = base_type;

  explicit decode_v1(const settings& values) : decode(values, 0) {}
};

} // namespace
} // namespace instar::inspect

INSTAR_MODULE("inspect_decode_v1", instar::inspect::decode_v1)
