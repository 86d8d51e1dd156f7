#include "lifecycle/state_route.hpp"

#include "lifecycle/operator_library.hpp"

#include <utility>

namespace instar {

result<conversion> load_conversion(operator_library& from, const state_route& route,
                                   const operator_description& to) {
  std::vector<conversion::step> steps;
  for (const auto& c : route.converters) {
    auto loaded = from.load_converter(c.type, c.version, c.from, c.to);
    if (!loaded) return loaded.error();
    steps.push_back({{c.type, c.version, c.to, 0}, loaded->convert, std::move(loaded->code)});
  }
  if (steps.empty()) return conversion();
  const bool own = route.read == to.state_schema || route.read == to.part_schema;
  steps.back().to = {to.name, to.version, route.read, own ? to.state_version : 0};
  return conversion(std::move(steps));
}

} // namespace instar
