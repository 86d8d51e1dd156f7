#pragma once

#include "services/http/request.hpp"
#include "services/http/response.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace instar::http {

/// The entity tag of what `of` describes, with its quotes: the time of its last change, to the
/// nanosecond, and its length. Strong. Empty if that time is not told.
class entity_tag {
public:
  explicit entity_tag(const response_fields& of) noexcept;
  std::string_view text() const noexcept { return {text_.data(), size_}; }

private:
  std::array<char, 64> text_;
  std::size_t size_ = 0;
};

/// A part of what was asked for.
struct byte_range {
  std::uint64_t first = 0, size = 0;

  bool operator==(const byte_range&) const = default;
};

/// Which parts a `Range` field asks for.
class range_list {
public:
  static constexpr std::size_t most = 32;

  enum class meaning {
    none,          ///< in another unit, malformed, or worth no answer in parts: to be ignored
    parts,         ///< those in the list, in the order in which they are asked for
    unsatisfiable, ///< none of them is in there
  };

  /// Of something `size` bytes long. Ignored is also what asks for more than that in all, or for
  /// more than `most` parts.
  meaning parse(std::string_view field, std::uint64_t size) noexcept;
  std::span<const byte_range> parts() const noexcept { return {parts_.data(), count_}; }

private:
  std::array<byte_range, most> parts_;
  std::size_t count_ = 0;
};

/// What `into.asked` wants of the 200 that `into` describes, by the order of RFC 9110, 13.2.2:
/// leaves it, or makes 206, 304, 412 or 416 of it. With 206 the parts are in `parts`; more than one
/// only if they have at most `most_multipart` bytes.
void select(response& into, range_list& parts, std::uint64_t most_multipart) noexcept;

/// Whether a client that sent these `Accept-Encoding` values wants gzip rather than nothing.
bool prefers_gzip(const request& asked) noexcept;

} // namespace instar::http
