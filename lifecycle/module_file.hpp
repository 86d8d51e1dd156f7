#pragma once

#include "transfer/result.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

namespace instar {

/// A module's bytes, read once from a file that only its owner could have written.
struct module_file {
  std::unique_ptr<std::byte[]> memory;
  std::span<const std::byte> bytes; ///< in `memory`
  std::uint64_t content_hash = 0;   ///< tells contents apart; no proof against forgery

  /// Loading a module is running code, so the file must be regular, belong to root or to this
  /// user, and not be writable by anybody else. Refused with the reason and the remedy.
  static result<module_file> read(const std::filesystem::path& path);
};

} // namespace instar
