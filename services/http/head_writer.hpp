#pragma once

#include "services/http/date.hpp"
#include "services/http/response.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace instar::http {

/// Writes the heads of responses, and the texts of refusals. Bodies are not touched.
///
/// Used by one thread: it keeps what all responses of one second have in common.
class head_writer {
public:
  /// `retry_seconds` is what a client is told that gets a 503.
  explicit head_writer(std::uint32_t retry_seconds) : retry_seconds_(retry_seconds) {}

  /// Fills in `response::head`.
  void write(response& of);

private:
  void write_passed(response& of);
  void write_redirect(response& of, std::size_t begun);
  std::string_view common_fields();

  const std::uint32_t retry_seconds_;
  std::int64_t second_ = -1;
  std::string common_fields_; // with the date of `second_`
};

/// `Not Found`; `Unknown` for a status that this server never sends.
std::string_view reason_phrase(std::uint16_t status) noexcept;

} // namespace instar::http
