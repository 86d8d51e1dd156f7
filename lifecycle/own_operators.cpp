#include "lifecycle/own_operators.hpp"

#include "lifecycle/trace_tap.hpp"

#include <utility>

namespace instar {

library_with_own::library_with_own(std::shared_ptr<operator_library> others)
    : others_(std::move(others)) {
  own_.add<trace_tap>();
}

void library_with_own::set_places(std::vector<std::filesystem::path> places) {
  others_->set_places(std::move(places));
}

operator_library& library_with_own::with(std::string_view type) {
  if (type.starts_with("instar.")) return own_;
  return *others_;
}

result<operator_description> library_with_own::describe(std::string_view type,
                                                        std::uint32_t version) {
  return with(type).describe(type, version);
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
