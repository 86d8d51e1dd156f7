#pragma once

#include "actors/operator.hpp"
#include "actors/settings.hpp"
#include "reply_state.capnp.h"
#include "services/http/response.hpp"
#include "services/http/writer.hpp"
#include "services/net/outbox.hpp"
#include "services/net/shelf.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace instar::http {

/// Writes responses to their connections, each connection's in order. A response that a socket
/// does not take at once waits here until the socket can be written; that is its state.
///
/// What the versions share; they differ in the bodies that they accept and in how they write files.
class reply : public operator_base {
public:
  static constexpr std::uint64_t state_schema = capnp::typeId<ReplyState>();
  static constexpr std::uint32_t state_version = 1;

  static constexpr setting_type write_timeout_setting{
      "write_timeout", setting_kind::duration, "60s", false,
      "breaks a connection off whose client takes nothing of its answer for so long"};

  void on_start(context& ctx) final;
  void on_packet(context& ctx, std::size_t port, packet p) final;
  void on_events(context& ctx, std::span<event> events) final;
  void on_timer(context& ctx, std::uint64_t token) final;
  void on_activation_end(context& ctx) final;
  std::optional<std::string> not_yet(context& ctx, cut_purpose purpose) final;
  void save(state_writer& into) const final;
  void restore(context& ctx, state_reader& from) final;

protected:
  reply(const settings& values, bool use_sendfile);

private:
  void look_later(context& ctx);

  net::outbox<outgoing, writer> out_;
  const std::uint32_t write_seconds_;
  bool sweeps_ = false; // a timer is set
  mutable std::vector<net::shelf::ticket> handed_over_;
};

} // namespace instar::http
