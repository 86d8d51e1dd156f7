#pragma once

#include "services/kv/command.hpp"
#include "services/net/connection.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace instar::kv {

/// The place of a batch, and of its answers, among those of its connection.
struct batch_place {
  std::uint32_t turn = 0;  ///< whose turn it is to be answered: counted per connection
  std::uint16_t parts = 1; ///< batches of this turn: one for each lane that has something to do
  bool last = false;       ///< the connection ends once they are answered
};

/// One command, or a part of one, as a batch has it.
struct command_part {
  command_id id = command_id::unknown;
  joining how = joining::whole; ///< unless it is the only part
  std::uint32_t first = 0;      ///< argument; the command's name
  std::uint32_t count = 0;      ///< of arguments
  std::uint32_t index = 0;      ///< of the command within its turn
  std::uint32_t part = 0;       ///< of the command
};

/// Commands of one connection, as they came with one piece of its bytes, for one store. The
/// arguments are views of these bytes. One allocation.
class batch final : public payload {
public:
  static constexpr std::string_view payload_name = "kv.batch";

  /// What `args` view belongs to `bytes`, or to `decoded`, which is copied.
  static payload_ptr<batch> make(net::open_request from, payload_ptr<payload> bytes,
                                 batch_place place, std::uint64_t scan_end,
                                 std::span<const command_part> commands,
                                 std::span<const std::string_view> args, std::string_view decoded);
  ~batch() override;

  std::string_view type_name() const noexcept override { return payload_name; }

  const batch_place& place() const noexcept { return place_; }
  /// Where in the space of hashes the keys of this batch's store end.
  std::uint64_t scan_end() const noexcept { return scan_end_; }
  std::span<const command_part> commands() const noexcept { return {commands_, count_}; }
  std::span<const std::string_view> args(const command_part& of) const noexcept {
    return {args_ + of.first, of.count};
  }
  const net::open_request& from() const noexcept { return from_; }
  /// Passes the duty to answer on to the replies.
  net::open_request take_from() noexcept { return std::move(from_); }

  static void operator delete(void* p) { ::operator delete(p); }

private:
  batch(net::open_request from, payload_ptr<payload> bytes, batch_place place,
        std::uint64_t scan_end) noexcept
      : from_(std::move(from)), bytes_(std::move(bytes)), place_(place), scan_end_(scan_end) {}
  static void* operator new(std::size_t object, std::size_t bytes) {
    return ::operator new(object + bytes);
  }
  static void operator delete(void* p, std::size_t) { ::operator delete(p); }

  net::open_request from_;
  const payload_ptr<payload> bytes_;
  const batch_place place_;
  const std::uint64_t scan_end_;
  const command_part* commands_ = nullptr;
  std::size_t count_ = 0;
  const std::string_view* args_ = nullptr;
};

/// The answer to one part of a command, among others of the same turn.
struct reply_part {
  std::uint32_t index = 0;
  std::uint32_t part = 0;
  std::uint32_t size = 0; ///< in bytes
  joining how = joining::whole;
};

/// The answers to a batch: RESP2, one after the other. One allocation as long as they fit into the
/// room that was asked for.
class replies final : public payload {
public:
  static constexpr std::string_view payload_name = "kv.replies";

  static payload_ptr<replies> make(net::open_request from, batch_place place, std::size_t room);
  ~replies() override;

  std::string_view type_name() const noexcept override { return payload_name; }

  const batch_place& place() const noexcept { return place_; }
  net::open_request& from() noexcept { return from_; }
  std::string_view text() const noexcept { return {text_, size_}; }

  // -- while they are being made --

  std::size_t size() const noexcept { return size_; }
  /// Room for so many more bytes; what is used of it has to be told to `advance`.
  char* room(std::size_t bytes) {
    if (capacity_ - size_ < bytes) [[unlikely]]
      grow(bytes);
    return text_ + size_;
  }
  void advance(std::size_t bytes) noexcept { size_ += bytes; }

  /// Where each answer ends; only if the turn has several parts.
  std::vector<reply_part> parts;

  static void operator delete(void* p) { ::operator delete(p); }

private:
  replies(net::open_request from, batch_place place, std::size_t room) noexcept
      : from_(std::move(from)), place_(place), text_(reinterpret_cast<char*>(this + 1)),
        capacity_(room) {}
  static void* operator new(std::size_t object, std::size_t bytes) {
    return ::operator new(object + bytes);
  }
  static void operator delete(void* p, std::size_t) { ::operator delete(p); }
  bool inside() const noexcept { return text_ == reinterpret_cast<const char*>(this + 1); }
  void grow(std::size_t bytes);

  net::open_request from_;
  const batch_place place_;
  char* text_;
  std::size_t size_ = 0;
  std::size_t capacity_;
};

} // namespace instar::kv
