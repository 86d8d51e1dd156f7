#pragma once

#include "services/http/request.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace instar::http {

/// How large a request may be.
struct head_limits {
  std::size_t head = 16 * 1024;   ///< request line and fields: 431 beyond
  std::size_t target = 4 * 1024;  ///< 414 beyond
  std::uint64_t body = 64 * 1024; ///< read and thrown away; 413 beyond
};

/// One request head, understood or refused.
struct parsed_head {
  request_line line;
  std::string_view target; ///< in origin form; part of the parsed text
  std::uint64_t body = 0;  ///< bytes of a body that follows; nothing serves one, so it is skipped
};

/// Understands a complete head, with its empty line. HTTP/1.0 and 1.1, GET and HEAD; everything
/// else is refused with the status that RFC 9110 and 9112 ask for.
parsed_head parse_head(std::string_view head, const head_limits& limits);

/// Looks at a head that is not complete yet, when `fresh` bytes have come to its end. Returns the
/// status with which it can be refused already, or 0.
std::uint16_t refuse_early(std::string_view head, std::size_t fresh, const head_limits& limits);

} // namespace instar::http
