#pragma once

#include "actors/operator.hpp"
#include "actors/settings.hpp"
#include "services/net/reactor.hpp"
#include "state.capnp.h"

#include <string>
#include <vector>

namespace instar::net {

/// Listens, and emits each connection that comes in. Its state is the listening socket, which
/// stays open over updates: no connection attempt is refused meanwhile.
///
/// Where another address or port is asked for, connections that were made at the old one stay, also
/// those that nobody has accepted yet: it is closed once they are.
class accept final : public operator_base {
public:
  static constexpr out_port<connection> out{0, "connection"};
  static constexpr operator_type type{
      "net.accept",
      1,
      "listens on a TCP port and emits the connections",
      {},
      {out},
      capnp::typeId<AcceptState>(),
      1,
      {{"address", setting_kind::text, "127.0.0.1", false, "numeric address to listen on"},
       {"port", setting_kind::integer, "8080", false, "port to listen on; 0 takes any free one"},
       {"backlog", setting_kind::integer, "1024", false,
        "connections that may wait to be accepted"},
       {"max_connections", setting_kind::integer, "10000", false,
        "connections beyond that wait until others end"},
       {"max_refused", setting_kind::integer, "0", false,
        "connections beyond max_connections that are taken to tell them so (HTTP: 503); those "
        "beyond these wait"},
       {"max_per_address", setting_kind::integer, "0", false,
        "connections of one client beyond that are closed at once; 0 takes any number"}}};

  explicit accept(const settings& values);

  void on_start(context& ctx) override;
  void on_packet(context&, std::size_t, packet) override {}
  void on_events(context& ctx, std::span<event> events) override;
  void on_timer(context& ctx, std::uint64_t token) override;
  void save(state_writer& into) const override;
  void restore(context& ctx, state_reader& from) override;
  void claim(context& ctx) override;

private:
  enum class outcome { none_waits, more_wait, paused };

  void start(context& ctx);
  void accept_all(context& ctx);
  outcome accept_from(context& ctx, listener& at);
  void post(context& ctx, const payload_ptr<listener>& at);
  void pause(context& ctx);
  void complain(context& ctx, const std::string& what);

  const listen_options options_;
  const std::size_t max_connections_, max_refused_, max_per_address_;
  payload_ptr<listener> listener_; // bound; listens once it is registered
  lease registered_;
  std::vector<lease> leaving_; // of former addresses, until nobody waits there
  bool paused_ = false;
  std::uint32_t complained_ = 0; // when, in coarse seconds; 0 = never
};

} // namespace instar::net
