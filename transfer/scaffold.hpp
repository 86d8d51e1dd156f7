#pragma once

#include "transfer/result.hpp"
#include "transfer/schema.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace instar {

/// Two struct types between which converters are to lead.
struct scaffold_pair {
  schema_set old_schemas, new_schemas;
  std::uint64_t old_type = 0, new_type = 0;
  std::string function = "convert"; ///< and, for the way back, this with `_back`
};

/// A C++ file with the skeleton of a converter there and back for each pair: fields of the same
/// name and a type that fits are filled in, at any depth; the others are marked `TODO`, with what
/// they were and are. It compiles as it is, with the code that `capnp` makes of both schemas.
///
/// `title` says in its head what it converts. Fails if a type is no struct, or if the C++ names of
/// both sides collide.
result<std::string> scaffold(const std::vector<scaffold_pair>& pairs, const std::string& title);

} // namespace instar
