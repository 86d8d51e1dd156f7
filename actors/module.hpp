#pragma once

#include "actors/operator.hpp"
#include "actors/operator_type.hpp"
#include "actors/settings.hpp"

#include <cstddef>
#include <cstdint>

namespace instar {

/// Version of everything a module is compiled against: operator_base, context, payloads, this
/// header. A module of another number is refused.
inline constexpr std::uint32_t module_api_version = 1;

/// What a module answers when it is asked for its operators. Layout is part of the API version.
struct operator_entry {
  const operator_type* type;
  operator_base* (*create)(const settings&); ///< may throw
  void (*destroy)(operator_base*);
};
struct module_table {
  std::uint32_t api_version;
  std::size_t size;
  const operator_entry* entries;
};

} // namespace instar

/// Compiler, library and build properties that host and module must share.
#define INSTAR_BUILD_ID "to be replaced"
// INSTAR_MODULE("name", class, …) goes here: the manifest in section `.instar.manifest`, and the
// entry point `instar_module_entry`.
