#include "actors/module.hpp"
#include "services/inspect/output.hpp"

#include <string_view>

namespace instar::inspect {
namespace {

/// Writes a line at a time.
class output_v1 final : public output {
public:
  static constexpr operator_type type = base_type;

  explicit output_v1(const settings& values) : output(values) {}

private:
  std::size_t share(std::string_view waiting) const override { return waiting.find('\n') + 1; }
};

} // namespace
} // namespace instar::inspect

INSTAR_MODULE("inspect_output_v1", instar::inspect::output_v1)
