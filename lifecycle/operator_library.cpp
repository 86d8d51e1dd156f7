#include "lifecycle/operator_library.hpp"

#include <algorithm>
#include <utility>

namespace instar {

operator_library::~operator_library() = default;

std::vector<operator_description> operator_library::versions(std::string_view) { return {}; }

result<loaded_converter> operator_library::load_converter(std::string_view type,
                                                          std::uint32_t version, std::uint64_t,
                                                          std::uint64_t) {
  return failure{errc::not_found, "no converters of " + std::string(type) + "@" +
                                      std::to_string(version) + " are known"};
}

module_library::module_library(const std::filesystem::path& scratch) : loader_(scratch) {}

void module_library::set_places(std::vector<std::filesystem::path> places) {
  catalogue_.set_places(std::move(places));
}

result<operator_description> module_library::describe(std::string_view type,
                                                      std::uint32_t version) {
  auto found = catalogue_.find(type, version);
  if (!found) return found.error();
  return std::move(found->type);
}

result<operator_factory> module_library::load(std::string_view type, std::uint32_t version) {
  auto found = catalogue_.find(type, version);
  if (!found) return found.error();
  auto module = loader_.load(found->file);
  if (!module) return module.error();
  return factory_of(*module, type, version);
}

std::vector<operator_description> module_library::versions(std::string_view type) {
  return catalogue_.versions(type);
}

result<loaded_converter> module_library::load_converter(std::string_view type,
                                                        std::uint32_t version, std::uint64_t from,
                                                        std::uint64_t to) {
  auto found = catalogue_.find(type, version);
  if (!found) return found.error();
  auto module = loader_.load(found->file);
  if (!module) return module.error();
  return converter_of(*module, type, version, from, to);
}

operator_library::totals module_library::count() const {
  const auto& c = loader_.counts();
  return {c.loaded.load(), c.unloaded.load(), c.stuck.load()};
}

void host_library::add(operator_description type, operator_factory factory,
                       std::span<const converter> converters) {
  auto key = type.reference();
  entries_.insert_or_assign(std::move(key), entry{std::move(type), std::move(factory), converters});
}

result<const host_library::entry*> host_library::find(std::string_view type,
                                                      std::uint32_t version) const {
  const auto key = std::string(type) + "@" + std::to_string(version);
  const auto found = entries_.find(key);
  if (found == entries_.end())
    return failure{errc::not_found,
                   "operator type " + key + " is not part of this program; add it to its library"};
  return &found->second;
}

result<operator_description> host_library::describe(std::string_view type, std::uint32_t version) {
  auto found = find(type, version);
  if (!found) return found.error();
  return (*found)->type;
}

result<operator_factory> host_library::load(std::string_view type, std::uint32_t version) {
  auto found = find(type, version);
  if (!found) return found.error();
  return (*found)->factory;
}

std::vector<operator_description> host_library::versions(std::string_view type) {
  std::vector<operator_description> found;
  for (const auto& [reference, one] : entries_)
    if (one.type.name == type) found.push_back(one.type);
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a.version < b.version; });
  return found;
}

result<loaded_converter> host_library::load_converter(std::string_view type, std::uint32_t version,
                                                      std::uint64_t from, std::uint64_t to) {
  auto found = find(type, version);
  if (!found) return found.error();
  for (const auto& c : (*found)->converters)
    if (c.from == from && c.to == to) return loaded_converter{c.convert, nullptr};
  return operator_library::load_converter(type, version, from, to);
}

} // namespace instar
