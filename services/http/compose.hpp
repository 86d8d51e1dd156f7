#pragma once

#include "actors/operator.hpp"
#include "actors/settings.hpp"
#include "services/http/head_writer.hpp"
#include "services/http/response.hpp"

#include <cstddef>

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
  head_writer heads_;
};

} // namespace instar::http
