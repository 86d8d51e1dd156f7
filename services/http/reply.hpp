#pragma once

#include "actors/operator.hpp"
#include "reply_state.capnp.h"
#include "services/http/response.hpp"
#include "services/http/writer.hpp"
#include "services/net/reactor.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
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

  void on_start(context& ctx) final;
  void on_packet(context& ctx, std::size_t port, packet p) final;
  void on_events(context& ctx, std::span<event> events) final;
  void on_activation_end(context& ctx) final;
  std::optional<std::string> not_yet(context& ctx, cut_purpose purpose) final;
  void save(state_writer& into) const final;
  void restore(context& ctx, state_reader& from) final;

protected:
  explicit reply(bool use_sendfile) : writer_(use_sendfile) {}

private:
  /// What is left to be written to one connection.
  struct output {
    payload_ptr<net::connection> to;
    net::lease registered;       // once it had to wait
    std::vector<outgoing> queue; // oldest first
    bool waits = false;          // an event will come
  };
  using output_map = std::unordered_map<std::uint64_t, output>;

  output& queue(payload_ptr<response> what, std::uint64_t sent);
  void write(context& ctx, output_map::iterator at);
  bool wait(context& ctx, output& out, write_progress why);
  void answered(context& ctx, net::connection& to, const response& with);
  void lost(context& ctx, output_map::iterator at);

  http::writer writer_;
  net::reactor* sockets_ = nullptr;
  output_map outputs_;
  std::vector<std::uint64_t> fresh_; // have got something in this activation
  mutable std::vector<net::shelf::ticket> handed_over_;
};

} // namespace instar::http
