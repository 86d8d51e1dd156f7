#pragma once

#include "services/kv/containers.hpp"
#include "services/kv/packed.hpp"
#include "services/kv/resp.hpp"

#include <array>
#include <charconv>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

namespace instar::kv {

/// What an entry's value is, as a version sees it.
enum class value_kind : std::uint8_t {
  text,
  list,
  hash,
  later, ///< something that only a later version understands
};

/// Room for a text that is not kept as one.
using text_room = std::array<char, 24>;

/// The value of an entry in versions 1 to 4: strings as strings. What the version cannot express is
/// kept beside it (`later`).
///
///   1 texts   2 texts and lists   3 these, with an expiry   4 hashes, too
template <unsigned Version>
class plain_value {
public:
  static constexpr bool lists = Version >= 2, expiry = Version >= 3, hashes = Version >= 4;
  static constexpr bool keeps_later = !hashes;
  using list_type = text_list<std::string>;
  using hash_type = text_hash<std::string>;

  value_kind kind() const {
    if constexpr (keeps_later)
      if (later_ && later::opaque(*later_)) return value_kind::later;
    if constexpr (lists) return static_cast<value_kind>(content_.index());
    else return value_kind::text;
  }

  // -- a text --

  std::string_view text(text_room&) const { return own_text(); }
  bool number(std::int64_t& value) const { return parse_integer(own_text(), value); }
  /// A new value; nothing of the old one stays, nor its expiry.
  void set(std::string_view text) {
    assign(text);
    if constexpr (keeps_later) later_.reset();
    if constexpr (expiry) expires_ = 0;
  }
  /// Another text, which expires as the old one.
  void assign(std::string_view text) {
    if constexpr (lists)
      if (content_.index() != 0) content_.template emplace<0>();
    own_text().assign(text);
  }
  void assign(std::int64_t number) {
    char digits[24];
    assign(std::string_view(digits, std::to_chars(digits, digits + sizeof digits, number).ptr));
  }
  void append(std::string_view text) { own_text().append(text); }

  // -- a list, a hash --

  list_type& list() requires lists { return *std::get<1>(content_); }
  const list_type& list() const requires lists { return *std::get<1>(content_); }
  list_type& make_list() requires lists {
    return *content_.template emplace<1>(std::make_unique<list_type>());
  }
  hash_type& hash() requires hashes { return *std::get<2>(content_); }
  const hash_type& hash() const requires hashes { return *std::get<2>(content_); }
  hash_type& make_hash() requires hashes {
    return *content_.template emplace<2>(std::make_unique<hash_type>());
  }

  // -- when it ends, and what is kept for later --

  /// In milliseconds since 1970; 0 = never.
  std::int64_t expires() const requires expiry { return expires_; }
  void expire_at(std::int64_t when) requires expiry { expires_ = when; }
  std::string_view later_bytes() const requires keeps_later {
    return later_ ? std::string_view(*later_) : std::string_view();
  }
  void keep_later(std::string_view bytes) requires keeps_later {
    if (bytes.empty()) later_.reset();
    else later_ = std::make_unique<std::string>(bytes);
  }

  /// About so much memory, besides the object itself.
  std::size_t bytes() const {
    std::size_t sum = 0;
    if constexpr (keeps_later) sum += later_bytes().size();
    if constexpr (lists)
      if (content_.index() == 1) return sum + list().bytes();
    if constexpr (hashes)
      if (content_.index() == 2) return sum + hash().bytes();
    return sum + own_text().size();
  }

private:
  struct nothing {};
  template <unsigned V>
  static auto content_for() {
    if constexpr (V == 1) return std::type_identity<std::string>();
    else if constexpr (V < 4)
      return std::type_identity<std::variant<std::string, std::unique_ptr<list_type>>>();
    else
      return std::type_identity<
          std::variant<std::string, std::unique_ptr<list_type>, std::unique_ptr<hash_type>>>();
  }
  using content = typename decltype(content_for<Version>())::type;

  std::string& own_text() {
    if constexpr (lists) return std::get<0>(content_);
    else return content_;
  }
  const std::string& own_text() const { return const_cast<plain_value*>(this)->own_text(); }

  content content_;
  [[no_unique_address]] std::conditional_t<expiry, std::int64_t, nothing> expires_{};
  struct nothing_else {};
  [[no_unique_address]] std::conditional_t<keeps_later, std::unique_ptr<std::string>, nothing_else>
      later_;
};

} // namespace instar::kv
