#pragma once

#include "transfer/schema.hpp"
#include "transfer/state.hpp"

#include <capnp/dynamic.h>
#include <capnp/schema-loader.h>

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <string_view>

namespace instar::test {

/// What chance may choose from; 0: anything.
struct choice {
  unsigned texts = 0;            ///< so many of them, so that some come more than once
  std::uint64_t numbers = 0;     ///< those below
  std::string_view without = {}; ///< a field that stays empty
};

/// The schemas that a module carries, for reading and writing messages without its code.
class dynamic_schemas {
public:
  explicit dynamic_schemas(const schema_set& from);

  capnp::StructSchema find(std::uint64_t type) const;
  /// Everything that the type can hold, filled in by chance; of a union one member.
  state random(const state_header& header, std::mt19937_64& random, choice from = {}) const;

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

/// All that a state says, but for the order of structs in lists, and for how long something takes
/// (fields that end in `Ns`): that goes on.
std::string text_of(const state& of, capnp::StructSchema schema);

/// Names of fields that differ, of those that both structs have with the same type; empty if none
/// do. Counts those that were compared; in any order as `text_of` says it.
enum class lists { as_they_are, in_any_order };
std::string differing_fields(capnp::DynamicStruct::Reader a, capnp::DynamicStruct::Reader b,
                             std::size_t& compared, lists how = lists::as_they_are);

} // namespace instar::test
