#pragma once

#include "transfer/result.hpp"

#include <capnp/common.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace instar {

/// The Cap'n Proto schemas that a module carries: the `CodeGeneratorRequest` that
/// `capnp compile -o-` wrote when the module was built, read without running the module.
///
/// Immutable and cheap to copy; safe to share between threads.
class schema_set {
public:
  schema_set() = default;

  /// Reads a serialised `CodeGeneratorRequest`. Malformed bytes are refused with the reason.
  static result<schema_set> parse(std::span<const std::byte> code_generator_request);

  bool contains(std::uint64_t type_id) const;
  /// `file.capnp:Struct`, or the id in hex when the set does not contain it.
  std::string display_name(std::uint64_t type_id) const;
  /// The nodes as words of a `CodeGeneratorRequest` that is safe to read; valid as long as this.
  std::span<const std::uint64_t> words() const;

private:
  friend result<void> check_compatible(const schema_set&, std::uint64_t, const schema_set&,
                                       std::uint64_t);
  struct content;
  std::shared_ptr<const content> content_;
};

/// Whether a message written in `writer`'s schema can be read in `reader`'s without loss of
/// meaning: the same type id, and only the changes that Cap'n Proto's evolution rules allow
/// (`SchemaLoader` decides, dependencies included). The failure names the field or type.
result<void> check_compatible(const schema_set& writer, std::uint64_t writer_type,
                              const schema_set& reader, std::uint64_t reader_type);

} // namespace instar
