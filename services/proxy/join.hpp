#pragma once

#include "actors/operator.hpp"
#include "actors/settings.hpp"
#include "join_state.capnp.h"
#include "services/http/request.hpp"
#include "services/proxy/exchange.hpp"
#include "services/proxy/fields.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace instar::proxy {

/// Keeps requests while they are asked upstream, and brings the answers back to them. Each gets
/// one: that of the upstream server, or 502, 503 or 504, whatever becomes of those who ask there.
///
/// What it asks is an open request of the framework: it counts as being in the loops that it is
/// part of, so who removes the proxy waits until all are answered. State: the requests that are
/// open.
class join final : public operator_base {
public:
  static constexpr in_port<http::request> in{0, "request"};
  static constexpr request_port<question, http::response> asks{{1, "ask"}, {1, "answer"}};
  static constexpr out_port<http::response> out{0, "response"};
  static constexpr operator_type type{
      "proxy.join",
      1,
      "asks upstream and brings answers back to their requests",
      {in, asks.told},
      {out, asks.ask},
      capnp::typeId<JoinState>(),
      1,
      {{"timeout", setting_kind::duration, "5min", false, "for the whole of an answer; 504 beyond"},
       {"host", setting_kind::text, "", false,
        "the Host that upstream servers are told; empty = the client's"},
       {"forwarded", setting_kind::boolean, "true", false,
        "tells upstream servers of the client: X-Forwarded-For, -Proto, -Host"}}};

  explicit join(const settings& values);

  void on_start(context& ctx) override;
  void on_packet(context& ctx, std::size_t port, packet p) override;
  void on_answer(context& ctx, std::size_t port, std::uint64_t token, packet answer) override;
  void on_no_answer(context& ctx, std::size_t port, std::uint64_t token, no_answer why) override;
  void on_timer(context& ctx, std::uint64_t token) override;
  std::optional<std::string> not_yet(context& ctx, cut_purpose purpose) override;
  void save(state_writer& into) const override;
  void restore(context& ctx, state_reader& from) override;

private:
  struct open_request {
    payload_ptr<http::request> asked;
    std::uint64_t key = 0; // of its packet
  };

  void answer(context& ctx, std::uint64_t token, payload_ptr<http::response> with);
  void look_later(context& ctx);

  const std::chrono::nanoseconds timeout_;
  const pass_options options_;
  std::unordered_map<std::uint64_t, open_request> open_; // by token
  std::uint64_t last_token_ = 0;
  bool sweeps_ = false; // a timer is set
  bool complained_ = false;
  net::reactor* sockets_ = nullptr;
  mutable std::vector<net::shelf::ticket> handed_over_;
};

} // namespace instar::proxy
