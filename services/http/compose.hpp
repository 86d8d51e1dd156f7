#pragma once

#include "actors/operator.hpp"
#include "actors/settings.hpp"
#include "services/http/date.hpp"
#include "services/http/response.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace instar::http {

/// Writes the head of each response, and the text of a refusal. The body is not touched.
class compose final : public operator_base {
public:
  static constexpr in_port<response> in{0, "response"};
  static constexpr out_port<response> out{0, "response", response::payload_name, 0};
  static constexpr operator_type type{
      "http.compose",
      1,
      "serialises the heads of HTTP responses",
      {in},
      {out},
      0,
      0,
      {{"retry_after", setting_kind::duration, "1s", false,
        "what a client is told that gets a 503, in whole seconds"}}};

  explicit compose(const settings& values);

  void on_packet(context& ctx, std::size_t port, packet p) override;

private:
  void write_head(response& of);
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
