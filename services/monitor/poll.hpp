#pragma once

#include "actors/blocking_operator.hpp"
#include "actors/descriptors.hpp"
#include "actors/record.hpp"
#include "actors/settings.hpp"
#include "monitor.capnp.h"
#include "services/blocking/common_settings.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace instar::monitor {

/// Asks members for their status, each `every`: a datagram `poll NUMBER` from the monitor's socket.
///
/// Version 1 asks all of them; version 2 only those that have not spoken for half of that time.
class poll : public blocking_operator {
public:
  static constexpr in_port<descriptor_packet> socket_in{0, "socket"};
  static constexpr in_port<record_of<Targets>> targets_in{1, "targets"};
  static constexpr setting_type every_setting{"every", setting_kind::duration, "1s", false,
                                              "how often members are asked"};

  void run(blocking_context& ctx) final;
  bool left_over(std::size_t port, packet& p) final;
  void save(state_writer& into) const final;
  void restore(context& ctx, state_reader& from) final;

protected:
  poll(const settings& values, bool only_silent);

private:
  struct target {
    std::string address;
    std::uint64_t silent;
  };
  void ask_all();

  const std::chrono::nanoseconds every_;
  const bool only_silent_;
  std::shared_ptr<descriptor> socket_;
  std::vector<target> targets_;
  std::uint64_t sent_ = 0;
  std::optional<std::chrono::steady_clock::time_point> due_;
};

} // namespace instar::monitor
