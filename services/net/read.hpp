#pragma once

#include "actors/operator.hpp"
#include "actors/settings.hpp"
#include "services/net/chunk.hpp"
#include "services/net/reactor.hpp"
#include "state.capnp.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <unordered_map>

namespace instar::net {

/// Reads connections as they become ready and emits what came, one chunk for each read. It keeps
/// the connections open: their ids are its state.
///
/// A connection that is paused stays unread, so that its peer feels the back-pressure.
class read final : public operator_base {
public:
  static constexpr in_port<connection> in{0, "connection"};
  static constexpr out_port<chunk> out{0, "chunk"};
  static constexpr operator_type type{
      "net.read",
      1,
      "reads connections and emits the bytes",
      {in},
      {out},
      capnp::typeId<ReadState>(),
      1,
      {{"idle_timeout", setting_kind::duration, "75s", false,
        "closes a connection on which nothing moved for so long"},
       {"linger_timeout", setting_kind::duration, "30s", false,
        "a client may go on sending so long after its last answer"}}};

  explicit read(const settings& values);

  void on_start(context& ctx) override;
  void on_packet(context& ctx, std::size_t port, packet p) override;
  void on_events(context& ctx, std::span<event> events) override;
  void on_timer(context& ctx, std::uint64_t token) override;
  void save(state_writer& into) const override;
  void restore(context& ctx, state_reader& from) override;

private:
  static constexpr std::size_t read_size = 16 * 1024;

  void read_some(context& ctx, connection& from);
  void ended(context& ctx, connection& from);
  bool lingers_too_long(std::uint64_t id, std::uint32_t idle, std::uint32_t now);

  const std::uint32_t idle_seconds_, linger_seconds_;
  bool restored_ = false;
  std::unordered_map<std::uint64_t, lease> open_;
  std::unordered_map<std::uint64_t, std::uint32_t> lingering_; // since when
  std::array<std::byte, read_size> scratch_;
};

} // namespace instar::net
