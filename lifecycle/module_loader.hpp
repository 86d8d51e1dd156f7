#pragma once

#include "actors/instance.hpp"
#include "lifecycle/manifest.hpp"
#include "transfer/conversion.hpp"

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace instar {

/// How often modules came and went, counted by a loader and everything it loaded.
struct module_counts {
  std::atomic<std::size_t> loaded{0};     ///< mapped now
  std::atomic<std::uint64_t> unloaded{0}; ///< verified to be gone
  std::atomic<std::uint64_t> stuck{0};    ///< closed, but the dynamic linker still maps them
};

/// A module whose code is mapped. Unloaded when the last reference goes: factories and operator
/// instances hold one each. The unload is verified, not assumed.
class loaded_module;

/// Loads modules from private copies, so that a file replaced in place cannot hurt running code
/// and what was checked is what runs.
class module_loader {
public:
  /// Private copies are made in a fresh folder (mode 0700) below `scratch` and unlinked as soon
  /// as they are mapped.
  explicit module_loader(const std::filesystem::path& scratch);
  ~module_loader();

  /// Copies, checks and maps a module. Refused with the reason: missing file, writable by others,
  /// not owned by root or this user, no ELF, no manifest, another API version or build, entry
  /// point missing or not saying what the manifest says. No code of the module runs before its
  /// manifest has been accepted.
  result<std::shared_ptr<loaded_module>> load(const std::filesystem::path& file);

  const module_counts& counts() const;

private:
  struct parts;
  std::unique_ptr<parts> parts_;
};

const manifest& manifest_of(const loaded_module& m);
/// A factory for one of its operators; keeps the module loaded.
result<operator_factory> factory_of(const std::shared_ptr<loaded_module>& m, std::string_view type,
                                    std::uint32_t version);

/// A converter's code. Keeps the module loaded.
struct loaded_converter {
  conversion::function convert = nullptr;
  std::shared_ptr<const void> code; ///< null for converters of the host itself
};
/// The one of an operator that leads from a schema to another.
result<loaded_converter> converter_of(const std::shared_ptr<loaded_module>& m,
                                      std::string_view type, std::uint32_t version,
                                      std::uint64_t from, std::uint64_t to);

/// Which module files there are and what they bring, without loading any.
///
/// Reads each file's manifest once and again when the file has changed. Not thread-safe.
class module_catalogue {
public:
  /// Folders are searched for `*.so`; files are taken as they are. Replaces the former places.
  void set_places(std::vector<std::filesystem::path> places);

  /// The operator type and the file that brings it. Files that cannot be read as modules are
  /// passed over when something else brings the type, and explained in the failure when not.
  struct entry {
    operator_description type;
    std::filesystem::path file;
  };
  result<entry> find(std::string_view type, std::uint32_t version);

  /// All versions of a type that `find` would find, the oldest first.
  std::vector<operator_description> versions(std::string_view type);

  /// All types found, for listings.
  std::vector<entry> all();

private:
  struct seen;
  struct memory;
  void refresh();

  std::vector<std::filesystem::path> places_;
  std::shared_ptr<memory> memory_;
};

} // namespace instar
