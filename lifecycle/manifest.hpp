#pragma once

#include "actors/description.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace instar {

/// What a module says of itself, read from its ELF sections without running any of its code.
struct manifest {
  std::string module;
  std::uint32_t api_version = 0;
  std::string build_id;
  std::vector<operator_description> operators;
};

/// Reads the manifest out of an ELF shared object's bytes. Not an ELF file, another machine or
/// class, truncated, without manifest, malformed manifest or schemas: refused with the reason.
/// `name` stands in the messages. API version and build are *not* judged here.
result<manifest> read_manifest(std::span<const std::byte> elf, const std::filesystem::path& name);

/// Whether this host can run the module: same API version, same build.
result<void> check_host(const manifest& of, const std::filesystem::path& name);

} // namespace instar
