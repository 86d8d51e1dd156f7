#pragma once

#include "actors/blocking_operator.hpp"
#include "actors/descriptors.hpp"
#include "actors/record.hpp"
#include "actors/settings.hpp"
#include "monitor.capnp.h"
#include "services/blocking/common_settings.hpp"
#include "services/monitor/status.hpp"
#include "services/net/listener.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace instar::monitor {

/// Receives what members say of themselves, by UDP, on a thread that waits for it. Datagrams that
/// come while the operator is exchanged wait in the socket, which stays.
class receive : public blocking_operator {
public:
  static constexpr out_port<record_of<Status>> out{0, "status"};
  static constexpr out_port<descriptor_packet> socket_out{1, "socket"};
  static constexpr setting_type address_setting{"address", setting_kind::text, "127.0.0.1", false,
                                                "numeric address to receive at"};
  static constexpr setting_type port_setting{"port", setting_kind::integer, "0", false,
                                             "UDP port; 0 takes any free one"};

  void run(blocking_context& ctx) final;
  void save(state_writer& into) const final;
  void restore(context& ctx, state_reader& from) final;
  void claim(context& ctx) final;

protected:
  /// With `lines` a datagram may have several of them.
  receive(const settings& values, bool lines);

private:
  void tell_where(blocking_context& ctx);
  void take(blocking_context& ctx, std::string_view datagram, const std::string& from);
  void refuse(blocking_context& ctx, const std::string& from, const std::string& why);

  const net::listen_options where_;
  const bool lines_;
  std::shared_ptr<descriptor> socket_;
  bool told_ = false; // who needs the socket knows it
  std::uint64_t refused_ = 0;
  std::chrono::steady_clock::time_point complained_{};
  std::array<char, longest_datagram> block_; // what was received last
};

} // namespace instar::monitor
