#pragma once

#include "services/blocking/accept.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace instar::blocking {

/// Sends what is written at once.
class accept_v1 final : public accept {
public:
  static constexpr operator_type type{.name = "blocking.accept",
                                      .version = 1,
                                      .help = "waits in accept, and emits the connections",
                                      .outputs = {out},
                                      .state_schema = capnp::typeId<AcceptState>(),
                                      .state_version = 1,
                                      .settings = {address_setting, port_setting, backlog_setting,
                                                   max_connections_setting, interruptible_setting}};

  explicit accept_v1(const settings& values) : accept(values) {}

private:
  void prepare(int connection) const override {
    const int on = 1;
    ::setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
};

} // namespace instar::blocking
