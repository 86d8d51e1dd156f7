#pragma once

#include "transfer/schema.hpp"

#include <cstdint>
#include <filesystem>
#include <string>

namespace instar::instarctl {

/// A struct in a schema file, parsed here: `capnp` is not needed.
struct schema_file {
  schema_set schemas; ///< the file's types and all that they refer to
  std::uint64_t type = 0;

  /// `type` names the struct, `Outer.Inner` if it is inside another. Imports are looked for beside
  /// the file, absolute ones in /usr/include and /usr/local/include.
  static result<schema_file> read(const std::filesystem::path& file, const std::string& type);
};

} // namespace instar::instarctl
