#pragma once

#include "actors/payload.hpp"

#include <capnp/any.h>
#include <capnp/message.h>
#include <capnp/schema.h>

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

namespace instar {

/// A payload whose type is a Cap'n Proto schema of a module.
///
/// The class is the host's, so a record may outlive the module that made it; what is typed about
/// it is inlined into whoever reads or writes it. Built once, then read by any number of
/// operators, also of other versions of the schema: the graph check has made sure that they are
/// compatible.
class record final : public payload {
public:
  static constexpr std::string_view payload_name = "record";

  record();
  ~record() override;

  std::string_view type_name() const noexcept override { return payload_name; }

  /// Starts the root struct. To be called once, before the record is emitted.
  template <class Schema>
  typename Schema::Builder init() {
    return message_->initRoot<Schema>();
  }
  /// In place of `init`: the root struct is a copy of this one.
  template <class Schema>
  void copy(typename Schema::Reader from) {
    message_->setRoot(from);
  }

  /// The root struct; where the writer's version of the schema had less, the defaults. Changes
  /// nothing, so several threads may read at once: `getRoot<Schema>` would enlarge the message to
  /// what the reader's version knows.
  template <class Schema>
  typename Schema::Reader read() const {
    return message_->getRoot<capnp::AnyPointer>().asReader().getAs<Schema>();
  }

private:
  const std::unique_ptr<capnp::MallocMessageBuilder> message_;
};

/// The payload of a port that takes records of one schema: `in_port<record_of<Line>>`.
template <class Schema>
struct record_of {
  using payload_class = record;
  static constexpr std::string_view payload_name = record::payload_name;
  static constexpr std::uint64_t payload_schema = capnp::typeId<Schema>();
};

} // namespace instar
