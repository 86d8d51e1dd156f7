#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace instar::kv {

/// Writes numbers and texts one after the other, with nothing between them. What stands where, the
/// reader has to know.
class packed_writer {
public:
  void byte(std::uint8_t value) { out_ += static_cast<char>(value); }
  /// Small ones are short.
  void number(std::uint64_t value);
  void signed_number(std::int64_t value);
  void text(std::string_view text) {
    number(text.size());
    out_ += text;
  }
  /// As it is.
  void raw(std::string_view bytes) { out_ += bytes; }

  std::string_view bytes() const { return out_; }
  std::string take() { return std::move(out_); }

private:
  std::string out_;
};

/// Reads what `packed_writer` wrote. Throws `std::runtime_error` where that cannot be.
class packed_reader {
public:
  explicit packed_reader(std::string_view bytes) : left_(bytes) {}

  bool empty() const { return left_.empty(); }
  std::string_view left() const { return left_; }
  std::uint8_t byte();
  std::uint64_t number();
  std::int64_t signed_number();
  std::string_view text();
  /// A number of things of at least so many bytes each: never more than could follow.
  std::size_t count(std::size_t bytes_each = 1);
  std::string_view raw(std::size_t size);

private:
  std::string_view left_;
};

/// What an entry has that its version of the store cannot express. It is kept for a later version
/// that can, as long as nobody replaces the entry's value.
///
///   flags: 1 byte; [expires: 8 bytes, little-endian, if flag 1];
///   [a list: count, texts, if flag 2]; [a hash: count, names and values, if flag 4];
///   [what nobody here understands, if flag 8]
struct later {
  static constexpr std::uint8_t has_expiry = 1, has_list = 2, has_hash = 4, is_unknown = 8;

  std::int64_t expires = 0; ///< milliseconds since 1970; 0 = never
  std::uint8_t content = 0; ///< if not 0: the entry's value is this, not its text
  std::string_view packed;  ///< the content

  bool empty() const { return expires == 0 && content == 0; }
  /// Whether an entry with these bytes has another value than its text.
  static bool opaque(std::string_view bytes) { return !bytes.empty() && bytes[0] != has_expiry; }
  /// Nothing if there is nothing to keep.
  std::string pack() const;
  /// Never fails: bytes that `pack` has not made are kept as they are.
  static later unpack(std::string_view bytes);

  /// Whether it is a list, or hash, with nothing wrong about it.
  bool is_list() const { return content == has_list && texts_are(1); }
  bool is_hash() const { return content == has_hash && texts_are(2); }

private:
  bool texts_are(std::size_t each) const;
};

} // namespace instar::kv
