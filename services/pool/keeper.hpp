#pragma once

#include "actors/blocking_operator.hpp"
#include "actors/descriptors.hpp"
#include "actors/settings.hpp"
#include "pool_state.capnp.h"
#include "services/blocking/common_settings.hpp"
#include "services/blocking/lane_keys.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

namespace instar::pool {

/// Keeps the connections that no worker has: it waits until one of them has something to read, and
/// gives it to a worker that is free. Connections with a request for which none is free wait in
/// line. Who is silent for too long is dropped.
///
/// A worker gives each connection back, so the keeper knows who is free. It keeps no hold on those
/// that are out: what a worker loses is closed, and that worker counts as free again.
class keeper : public blocking_operator {
public:
  static constexpr in_port<descriptor_packet> accepted{0, "accepted"};
  static constexpr in_port<descriptor_packet> idle{1, "idle"};
  static constexpr in_port<descriptor_packet> closing{2, "closing"};
  static constexpr out_port<descriptor_packet> out{0, "connection"};
  static constexpr setting_type workers_setting{
      "workers", setting_kind::integer, "1", false,
      "how many workers there are: as many as `replicas` of theirs, 1 to 64"};
  static constexpr setting_type idle_timeout_setting{"idle_timeout", setting_kind::duration, "75s",
                                                     false, "without a request"};
  static constexpr setting_type linger_timeout_setting{
      "linger_timeout", setting_kind::duration, "5s", false,
      "for a client to end its side once the last answer was written"};

  void run(blocking_context& ctx) final;
  bool left_over(std::size_t port, packet& p) final;
  void save(state_writer& into) const final;
  void restore(context& ctx, state_reader& from) final;

protected:
  using clock = std::chrono::steady_clock;
  using connection = std::shared_ptr<descriptor>;

  explicit keeper(const settings& values);

  /// Waits until connections that are watched can be read, at most so long, or until a packet has
  /// come; adds the ids of the connections to `ready`. Throws `interrupted`.
  virtual void wait(blocking_context& ctx, std::optional<std::chrono::nanoseconds> timeout,
                    std::vector<std::uint64_t>& ready) = 0;
  virtual void watch(const descriptor& one) = 0;
  virtual void unwatch(const descriptor& one) = 0;

private:
  struct kept {
    connection peer;
    clock::time_point since;
    bool closing = false;
  };
  struct lent {
    std::weak_ptr<descriptor> peer;
    std::uint64_t key = 0;
  };

  void take(std::size_t port, packet& p);
  void keep(connection peer, clock::time_point since, bool closing);
  void on_ready(std::uint64_t id);
  void give_out(blocking_context& ctx);
  void sweep();
  void drop(std::unordered_map<std::uint64_t, kept>::iterator which);

  const std::chrono::nanoseconds idle_timeout_, linger_timeout_;
  blocking::free_lanes workers_;
  std::unordered_map<std::uint64_t, kept> kept_;
  std::deque<connection> waiting_;
  std::unordered_map<std::uint64_t, lent> out_;
  std::vector<std::uint64_t> ready_;
  clock::time_point swept_{};
};

} // namespace instar::pool
