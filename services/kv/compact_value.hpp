#pragma once

#include "services/kv/packed_hash.hpp"
#include "services/kv/small_text.hpp"
#include "services/kv/value.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <memory>
#include <string_view>
#include <utility>

namespace instar::kv {

/// The value of an entry in version 5, in 24 bytes: numbers as numbers, short texts in the object
/// itself, small hashes as one piece of bytes.
class compact_value {
public:
  static constexpr bool lists = true, expiry = true, hashes = true, keeps_later = false;
  using list_type = text_list<small_text>;
  using hash_type = packed_hash;

  compact_value() = default;
  compact_value(compact_value&& other) noexcept
      : text_(std::move(other.text_)), expires_and_form_(other.expires_and_form_) {
    other.expires_and_form_ = 0;
  }
  compact_value& operator=(compact_value&& other) noexcept {
    std::swap(text_, other.text_);
    std::swap(expires_and_form_, other.expires_and_form_);
    return *this;
  }
  ~compact_value() { drop(); }

  value_kind kind() const {
    switch (form()) {
    case shape::list:
      return value_kind::list;
    case shape::hash:
      return value_kind::hash;
    default:
      return value_kind::text;
    }
  }

  // -- a text --

  std::string_view text(text_room& room) const {
    if (form() == shape::text) return text_.view();
    return {room.data(),
            static_cast<std::size_t>(
                std::to_chars(room.data(), room.data() + room.size(), word()).ptr - room.data())};
  }
  bool number(std::int64_t& value) const {
    if (form() != shape::number) return false;
    value = word();
    return true;
  }
  void set(std::string_view text) {
    assign(text);
    expire_at(0);
  }
  void assign(std::string_view text) {
    std::int64_t value;
    if (parse_integer(text, value)) return assign(value);
    if (form() != shape::text) become(shape::text);
    text_.assign(text);
  }
  void assign(std::int64_t number) {
    if (form() != shape::number) become(shape::number);
    put(static_cast<std::uint64_t>(number));
  }
  void append(std::string_view more) {
    if (form() == shape::number) {
      text_room room;
      small_text digits(text(room));
      become(shape::text);
      text_ = std::move(digits);
    }
    text_.append(more);
    std::int64_t value;
    if (text_.size() <= 20 && parse_integer(text_.view(), value)) assign(value);
  }

  // -- a list, a hash --

  list_type& list() { return *static_cast<list_type*>(pointer()); }
  const list_type& list() const { return *static_cast<list_type*>(pointer()); }
  list_type& make_list() { return *adopt(std::make_unique<list_type>(), shape::list); }
  hash_type& hash() { return *static_cast<hash_type*>(pointer()); }
  const hash_type& hash() const { return *static_cast<hash_type*>(pointer()); }
  hash_type& make_hash() { return *adopt(std::make_unique<hash_type>(), shape::hash); }

  std::int64_t expires() const { return expires_and_form_ >> 2; }
  void expire_at(std::int64_t when) {
    constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max() / 4;
    when = std::clamp(when, -most, most);
    expires_and_form_ = when * 4 + static_cast<std::int64_t>(form());
  }

  std::size_t bytes() const {
    if (form() == shape::list) return list().bytes();
    if (form() == shape::hash) return hash().bytes();
    return form() == shape::text ? text_.size() : 0;
  }

private:
  enum class shape : std::uint8_t { text, number, list, hash };

  shape form() const {
    return static_cast<shape>(static_cast<std::uint64_t>(expires_and_form_) & 3);
  }
  void drop() {
    if (form() == shape::list) delete &list();
    if (form() == shape::hash) delete &hash();
  }
  void become(shape other) {
    drop();
    text_ = small_text();
    const auto when = expires();
    expires_and_form_ = when * 4 + static_cast<std::int64_t>(other);
  }
  template <class T>
  T* adopt(std::unique_ptr<T> made, shape as) {
    become(as);
    put(reinterpret_cast<std::uint64_t>(made.get()));
    return made.release();
  }

  // What is no text lies as eight characters in `text_`.
  void put(std::uint64_t word) {
    char bytes[sizeof word];
    std::memcpy(bytes, &word, sizeof word);
    text_.assign({bytes, sizeof word});
  }
  std::int64_t word() const {
    std::int64_t value;
    std::memcpy(&value, text_.view().data(), sizeof value);
    return value;
  }
  void* pointer() const { return reinterpret_cast<void*>(word()); }

  small_text text_;
  std::int64_t expires_and_form_ = 0; // milliseconds * 4 + form
};
static_assert(sizeof(compact_value) == 24);

} // namespace instar::kv
