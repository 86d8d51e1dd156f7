#include "odd_ones.hpp"

// Needs a function that no library has.
extern "C" void nobody_defines_this();

namespace {
class needy final : public instar::operator_base {
public:
  static constexpr instar::operator_type type{.name = "odd.needy"};
  void on_packet(instar::context&, std::size_t, instar::packet) override { nobody_defines_this(); }
};
} // namespace

INSTAR_MODULE("lacks_symbol", needy)
