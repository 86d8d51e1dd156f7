#include "layout_types.hpp"
#include "transfer/native_layout.hpp"

namespace instar::test {

std::array<std::uint64_t, 2> layouts_elsewhere() {
  return {layout_of<small>(), layout_of<large>()};
}

} // namespace instar::test
