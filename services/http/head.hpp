#pragma once

#include "services/http/request.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace instar::http {

/// How large a request may be.
struct head_limits {
  std::size_t head = 16 * 1024;   ///< request line and fields: 431 beyond
  std::size_t target = 4 * 1024;  ///< 414 beyond
  std::uint64_t body = 64 * 1024; ///< read and thrown away; 413 beyond
};

/// Fields that were noted; views of the parsed text.
class noted_fields {
public:
  noted_fields() noexcept {} // NOLINT: what is not used is not initialised
  noted_fields(const noted_fields& other) noexcept : size_(other.size_) {
    std::copy_n(other.items_.begin(), size_, items_.begin());
  }
  noted_fields& operator=(const noted_fields& other) noexcept {
    size_ = other.size_;
    std::copy_n(other.items_.begin(), size_, items_.begin());
    return *this;
  }

  /// Returns false if there are too many.
  bool add(field which, std::string_view value) noexcept {
    if (size_ == items_.size()) return false;
    items_[size_++] = {which, static_cast<std::uint32_t>(value.size()), value.data()};
    return true;
  }
  std::span<const noted_field> all() const noexcept { return {items_.data(), size_}; }

private:
  std::array<noted_field, 24> items_;
  std::size_t size_ = 0;
};

/// One request head, understood or refused.
struct parsed_head {
  request_line line;
  std::string_view target;     ///< in origin form; part of the parsed text
  std::uint64_t body = 0;      ///< bytes of a body that follows
  bool chunked = false;        ///< a body follows in chunks
  bool wants_continue = false; ///< the body comes only when the client is told to send it
  noted_fields fields = {};
};

/// Understands a complete head, with its empty line. HTTP/1.0 and 1.1, GET and HEAD; everything
/// else is refused with the status that RFC 9110 and 9112 ask for. With `any_method` all methods
/// are taken but CONNECT and TRACE.
parsed_head parse_head(std::string_view head, const head_limits& limits, bool any_method = false);

/// Looks at a head that is not complete yet, when `fresh` bytes have come to its end. Returns the
/// status with which it can be refused already, or 0.
std::uint16_t refuse_early(std::string_view head, std::size_t fresh, const head_limits& limits);

} // namespace instar::http
