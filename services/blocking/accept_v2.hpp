#pragma once

#include "services/blocking/accept.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace instar::blocking {

/// Also has the system ask peers that are silent whether they are there still, so that a connection
/// whose peer has vanished without a word does not stay for ever.
class accept_v2 final : public accept {
public:
  static constexpr setting_type keepalive_setting{
      "keepalive", setting_kind::duration, "60s", false,
      "a peer that is silent for so long is asked whether it is there; after three such times "
      "without a word its connection ends"};
  static constexpr operator_type type{
      .name = "blocking.accept",
      .version = 2,
      .help = "waits in accept, and emits the connections, which notice when their peer vanishes",
      .outputs = {out},
      .state_schema = capnp::typeId<AcceptState>(),
      .state_version = 1,
      .settings = {address_setting, port_setting, backlog_setting, max_connections_setting,
                   interruptible_setting, keepalive_setting}};

  explicit accept_v2(const settings& values)
      : accept(values), seconds_(static_cast<int>(std::clamp<std::int64_t>(
                            values.duration("keepalive") / std::chrono::seconds(1), 1, 32767))) {}

private:
  void prepare(int connection) const override {
    const int on = 1, times = 3;
    ::setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(connection, IPPROTO_TCP, TCP_KEEPIDLE, &seconds_, sizeof seconds_);
    ::setsockopt(connection, IPPROTO_TCP, TCP_KEEPINTVL, &seconds_, sizeof seconds_);
    ::setsockopt(connection, IPPROTO_TCP, TCP_KEEPCNT, &times, sizeof times);
    ::setsockopt(connection, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  }

  const int seconds_;
};

} // namespace instar::blocking
