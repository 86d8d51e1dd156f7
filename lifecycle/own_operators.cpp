#include "lifecycle/own_operators.hpp"

#include "actors/nearest.hpp"
#include "lifecycle/policy_operator.hpp"
#include "lifecycle/trace_tap.hpp"

#include <utility>

namespace instar {

host_library own_operators() {
  host_library all;
  all.add<trace_tap>();
  all.add<policy_operator>();
  return all;
}

library_with_own::library_with_own(std::shared_ptr<operator_library> others)
    : others_(std::move(others)) {}

void library_with_own::set_places(std::vector<std::filesystem::path> places) {
  others_->set_places(std::move(places));
}

operator_library& library_with_own::with(std::string_view type) {
  if (is_own_type(type)) return own_;
  return *others_;
}

result<operator_description> library_with_own::describe(std::string_view type,
                                                        std::uint32_t version) {
  auto found = with(type).describe(type, version);
  if (found || !is_own_type(type)) return found;
  const auto reference = std::string(type) + "@" + std::to_string(version);
  return failure{errc::not_found, "operator type " + reference + " is not part of instar" +
                                      suggest(reference, {"instar.policy@1", "instar.tap@1"})};
}

result<operator_factory> library_with_own::load(std::string_view type, std::uint32_t version) {
  return with(type).load(type, version);
}

std::vector<operator_description> library_with_own::versions(std::string_view type) {
  return with(type).versions(type);
}

result<loaded_converter> library_with_own::load_converter(std::string_view type,
                                                          std::uint32_t version, std::uint64_t from,
                                                          std::uint64_t to) {
  return with(type).load_converter(type, version, from, to);
}

} // namespace instar
