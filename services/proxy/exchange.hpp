#pragma once

#include "services/http/response.hpp"
#include "services/net/buffer.hpp"
#include "services/net/reactor.hpp"

#include <chrono>
#include <cstdint>
#include <string_view>

namespace instar::proxy {

/// A request as an upstream server gets it. Never changed once it is made.
class question final : public payload {
public:
  static constexpr std::string_view payload_name = "proxy.question";

  ~question() override;
  std::string_view type_name() const noexcept override { return payload_name; }

  payload_ptr<net::buffer> head;
  payload_ptr<net::buffer> body;      ///< may be null
  bool head_only = false;             ///< HEAD: the answer has no body, whatever it says
  bool repeatable = false;            ///< to ask twice does no more than to ask once
  std::chrono::nanoseconds within{0}; ///< nobody waits for the answer any longer

  std::string_view head_text() const noexcept { return text_of(head); }
  std::string_view body_text() const noexcept { return body ? text_of(body) : std::string_view(); }

private:
  static std::string_view text_of(const payload_ptr<net::buffer>& of) noexcept {
    return {reinterpret_cast<const char*>(of->data()), of->size()};
  }
};

/// A question that was written to a connection, and what came of it. Who sends fills the first part
/// and gives it to who receives; that one fills the second and gives it back, and with it the
/// connection.
class exchange final : public payload {
public:
  static constexpr std::string_view payload_name = "proxy.exchange";

  enum class outcome : std::uint8_t {
    open,
    reusable, ///< there is an answer, and the connection may carry the next question
    closed,   ///< there is an answer, the connection is of no use any more
    silent,   ///< the connection ended before anything was answered
  };

  ~exchange() override;
  std::string_view type_name() const noexcept override { return payload_name; }

  payload_ptr<question> asked;
  net::lease link;        ///< of a `net::outgoing`
  bool cut_short = false; ///< not all of it could be written, but there may be an answer

  outcome how = outcome::open;
  payload_ptr<http::response> answer; ///< whose it is, its asker knows
};

/// An answer that this program makes in place of an upstream server.
payload_ptr<http::response> refusal(std::uint16_t status);

} // namespace instar::proxy
