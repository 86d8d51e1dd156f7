#pragma once

#include "transfer/schema.hpp"

#include <capnp/schema.capnp.h>
#include <capnp/serialize.h>

#include <cstdint>
#include <map>
#include <string>

namespace instar {

/// The nodes of a `schema_set`, open for reading by one thread, and how `capnpc-c++` calls them.
/// Lives no longer than the set.
class schema_names {
public:
  using node = capnp::schema::Node::Reader;
  using field = capnp::schema::Field::Reader;

  explicit schema_names(const schema_set& of);

  /// Null if the set does not have it.
  const node* find(std::uint64_t id) const;

  /// `::kv::State::Entry`
  std::string cxx_type(const node& of) const;
  /// As in `getX` and `setX`: with a capital.
  static std::string cxx_field(const field& of);
  /// As in `Kind::A_B`.
  static std::string cxx_enumerant(const capnp::schema::Enumerant::Reader& of);
  /// The discriminant of a member of a union: `A_B`.
  static std::string cxx_member(const field& of);
  /// Of the file that a type is in, without folders: `kv.capnp`; empty if the set does not say.
  std::string file_of(const node& of) const;
  std::uint64_t file_id_of(const node& of) const;

  /// A type for people: `List(kv.capnp:Entry)`.
  std::string text(const capnp::schema::Type::Reader& type) const;
  std::string text(const field& of) const;

private:
  std::string short_name(const node& of) const;
  const node* file_node(const node& of) const;

  capnp::FlatArrayMessageReader message_;
  std::map<std::uint64_t, node> nodes_;
};

} // namespace instar
