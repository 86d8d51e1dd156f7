#pragma once

#include "transfer/schema.hpp"
#include "transfer/state.hpp"

#include <capnp/dynamic.h>
#include <capnp/schema-loader.h>

#include <cstdint>
#include <memory>
#include <random>
#include <string>

namespace instar::test {

/// The schemas that a module carries, for reading and writing messages without its code.
class dynamic_schemas {
public:
  explicit dynamic_schemas(const schema_set& from);

  capnp::StructSchema find(std::uint64_t type) const;
  /// Everything that the type can hold, filled in by chance; of a union one member.
  state random(const state_header& header, std::mt19937_64& random) const;

private:
  capnp::SchemaLoader loader_;
};

/// Reads a state by a schema.
class dynamic_state {
public:
  dynamic_state(const state& of, capnp::StructSchema schema);

  capnp::DynamicStruct::Reader root() const { return root_; }

private:
  const state of_;
  state_reader reader_;
  capnp::DynamicStruct::Reader root_;
};

/// Names of fields that differ, of those that both structs have with the same type; empty if none
/// do. Counts those that were compared.
std::string differing_fields(capnp::DynamicStruct::Reader a, capnp::DynamicStruct::Reader b,
                             std::size_t& compared);

} // namespace instar::test
