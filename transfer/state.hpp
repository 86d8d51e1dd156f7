#pragma once

#include "transfer/result.hpp"

#include <capnp/message.h>
#include <capnp/schema.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace instar {

/// What some saved state is: whose it is and in which schema it is written.
struct state_header {
  std::string operator_type; ///< name of the operator type that wrote it
  std::uint32_t operator_version = 0;
  std::uint64_t schema_id = 0;      ///< Cap'n Proto type id of the root struct; 0 = stateless
  std::uint32_t schema_version = 0; ///< the author's number for the schema's revision

  bool operator==(const state_header&) const = default;
};

/// Saved state of one operator: a header and a Cap'n Proto message.
///
/// Immutable once made, so it may be handed to and read by several threads. In memory the message
/// stays in the segments it was built in; `encode` flattens it with a checksum for files and
/// network arcs.
class state {
public:
  state() = default;
  /// `message` may be null (stateless) and must not be written to afterwards.
  state(state_header header, std::shared_ptr<capnp::MallocMessageBuilder> message);

  const state_header& header() const { return header_; }
  /// Nothing was saved: the operator declares no state schema.
  bool empty() const { return message_ == nullptr && words_ == nullptr; }
  /// Size of the message in bytes, as `encode` would write it.
  std::size_t size_bytes() const;

  /// The whole state as bytes: magic, header, body, checksum (format: transfer/README.md).
  std::vector<std::byte> encode() const;

  /// Reads what `encode` wrote. Truncated, oversized, damaged or foreign bytes are refused with
  /// the reason; nothing is trusted before the checksum has matched.
  static result<state> decode(std::span<const std::byte> bytes,
                              std::size_t max_bytes = std::size_t{1} << 30);

private:
  friend class state_reader;

  state_header header_;
  std::shared_ptr<const capnp::MallocMessageBuilder> message_;   // built here, or …
  kj::ArrayPtr<const kj::ArrayPtr<const capnp::word>> segments_; // (of message_)
  std::shared_ptr<const std::vector<std::uint64_t>> words_;      // … decoded from outside
};

/// What saved state is for.
enum class save_purpose {
  hand_over,  ///< a successor in this process reads it: what the host keeps may be named by number
  checkpoint, ///< another process may, at any time: what does not outlive this one is left out
  merge,      ///< one of several that take over from several; timers do not go with it
};

/// What an operator saves its state into.
class state_writer {
public:
  explicit state_writer(state_header header, save_purpose purpose = save_purpose::hand_over);

  /// Whose state it becomes, and in which schema.
  const state_header& header() const { return header_; }
  save_purpose purpose() const { return purpose_; }
  /// About so much has been written.
  std::size_t size_bytes() const;

  /// Starts the root struct. To be called once.
  template <class Schema>
  typename Schema::Builder init() {
    return message_->initRoot<Schema>();
  }

  /// The saved state; the writer is empty afterwards. If a schema was declared but nothing
  /// written, the state holds the schema's defaults.
  state finish();

private:
  state_header header_;
  save_purpose purpose_;
  std::shared_ptr<capnp::MallocMessageBuilder> message_;
};

/// What an operator restores its state from. Valid as long as the `state` it was made of; an empty
/// state reads as the schema's defaults.
class state_reader {
public:
  explicit state_reader(const state& from);
  ~state_reader();
  state_reader(const state_reader&) = delete;
  state_reader& operator=(const state_reader&) = delete;

  const state_header& header() const;

  /// The root struct. Throws `kj::Exception` on a malformed message; the caller of `restore`
  /// turns that into a refusal.
  template <class Schema>
  typename Schema::Reader root() const {
    return message().template getRoot<Schema>();
  }

private:
  capnp::MessageReader& message() const;

  const state& from_;
  std::unique_ptr<capnp::MessageReader> message_;
};

} // namespace instar
