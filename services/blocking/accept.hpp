#pragma once

#include "accept_state.capnp.h"
#include "actors/blocking_operator.hpp"
#include "actors/descriptors.hpp"
#include "actors/settings.hpp"
#include "services/blocking/common_settings.hpp"
#include "services/blocking/listening.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

namespace instar::blocking {

/// Listens, and emits each connection that comes in, with its id as the key. A thread that waits in
/// `accept`; the sockets it gives are ordinary, blocking ones.
///
/// Its state is the listening socket, which stays open over updates: no attempt to connect is
/// refused meanwhile. To another address or port it goes live: connections that were made at the
/// old one are accepted still.
class accept : public blocking_operator {
public:
  static constexpr out_port<descriptor_packet> out{0, "connection"};
  static constexpr setting_type address_setting{"address", setting_kind::text, "127.0.0.1", false,
                                                "numeric address to listen on"};
  static constexpr setting_type port_setting{"port", setting_kind::integer, "8080", false,
                                             "port to listen on; 0 takes any free one"};
  static constexpr setting_type backlog_setting{"backlog", setting_kind::integer, "1024", false,
                                                "connections that may wait to be accepted"};
  static constexpr setting_type max_connections_setting{
      "max_connections", setting_kind::integer, "10000", false,
      "connections beyond that wait until others end"};

  void run(blocking_context& ctx) final;
  void save(state_writer& into) const final;
  void restore(context& ctx, state_reader& from) final;
  void claim(context& ctx) final;

protected:
  explicit accept(const settings& values);

  /// Makes a connection what this version wants it to be.
  virtual void prepare(int connection) const = 0;

private:
  void take(blocking_context& ctx);
  void emit(blocking_context& ctx, int connection);
  void make_room(blocking_context& ctx);
  std::size_t count_open();

  listening listening_;
  const std::size_t max_connections_;
  std::vector<std::weak_ptr<descriptor>> open_; // and some that have ended
};

} // namespace instar::blocking
