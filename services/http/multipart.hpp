#pragma once

#include "services/http/response.hpp"
#include "services/http/select.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>

namespace instar::http {

/// Lines between the parts of a `multipart/byteranges` body (RFC 9110, 14.6): before each part, and
/// after the last.
std::string part_head(const response_fields& of, const byte_range& part);
std::string last_part_end(const response_fields& of);
/// A new number to tell parts apart by, that nobody can foresee.
std::uint64_t make_boundary();

/// Fills `into` with those parts in one piece of memory. `copy(std::byte* into, byte_range)` brings
/// the bytes of one and returns whether it could. Throws `std::bad_alloc`.
template <class Copy>
bool fill_multipart(response& into, std::span<const byte_range> parts, Copy&& copy) {
  into.boundary = make_boundary();
  const auto end = last_part_end(into);
  std::uint64_t total = end.size();
  for (const auto& one : parts) total += part_head(into, one).size() + one.size;
  auto bytes = net::buffer::make(static_cast<std::size_t>(total));
  auto* at = bytes->data();
  const auto put = [&](const std::string& text) {
    std::memcpy(at, text.data(), text.size());
    at += text.size();
  };
  for (const auto& one : parts) {
    put(part_head(into, one));
    if (!copy(at, one)) return false;
    at += one.size;
  }
  put(end);
  into.content_length = total;
  into.body = body(std::move(bytes));
  return true;
}

} // namespace instar::http
