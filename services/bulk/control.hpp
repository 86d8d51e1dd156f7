#pragma once

#include "actors/blocking_operator.hpp"
#include "actors/descriptors.hpp"
#include "actors/record.hpp"
#include "actors/settings.hpp"
#include "bulk_messages.capnp.h"
#include "control_state.capnp.h"
#include "services/blocking/common_settings.hpp"
#include "services/blocking/lane_keys.hpp"
#include "services/bulk/command.hpp"

#include <poll.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace instar::bulk {

/// Has all connections, and reads their commands: a transfer goes to a receiver that is free, a
/// question for a report to the reporter, both by the connection's id; they give it back. A thread
/// that waits in `poll`.
class control : public blocking_operator {
public:
  static constexpr in_port<descriptor_packet> accepted{0, "accepted"};
  static constexpr in_port<record_of<Returned>> returned{1, "returned"};
  static constexpr out_port<record_of<Transfer>> transfer{0, "transfer"};
  static constexpr out_port<record_of<Asked>> report{1, "report"};
  static constexpr setting_type receivers_setting{
      "receivers", setting_kind::integer, "1", false,
      "how many receivers there are: as many as `replicas` of theirs, 1 to 64"};
  static constexpr setting_type max_size_setting{"max_size", setting_kind::size, "16GiB", false,
                                                 "of one transfer"};

  void run(blocking_context& ctx) final;
  bool left_over(std::size_t port, packet& p) final;
  void save(state_writer& into) const final;
  void restore(context& ctx, state_reader& from) final;

protected:
  explicit control(const settings& values);

  /// How long a connection may be without a command; nothing = for ever.
  virtual std::optional<std::chrono::nanoseconds> idle_timeout() const { return std::nullopt; }

private:
  using clock = std::chrono::steady_clock;
  using connection = std::shared_ptr<descriptor>;

  struct kept {
    connection peer;
    std::string line;
    clock::time_point since;
  };
  struct lent {
    connection peer;
    bool to_reporter = false;
    std::uint64_t key = 0;
  };
  struct waiting {
    connection peer;
    transfer_command what;
  };
  using kept_map = std::unordered_map<std::uint64_t, kept>;

  void wait(blocking_context& ctx);
  void take(std::size_t port, packet& p);
  void on_ready(blocking_context& ctx, std::uint64_t id);
  void obey(blocking_context& ctx, kept_map::iterator who);
  void give_out(blocking_context& ctx);
  void sweep();
  void drop(kept_map::iterator which);

  const std::uint64_t max_size_;
  blocking::free_lanes receivers_;
  kept_map kept_;
  std::deque<waiting> waiting_;
  std::unordered_map<std::uint64_t, lent> lent_;
  std::vector<pollfd> polled_;
  std::vector<std::uint64_t> ids_;
  clock::time_point swept_{};
};

} // namespace instar::bulk
