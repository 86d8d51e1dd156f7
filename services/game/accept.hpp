#pragma once

#include "actors/blocking_operator.hpp"
#include "actors/descriptors.hpp"
#include "actors/record.hpp"
#include "actors/settings.hpp"
#include "game.capnp.h"
#include "services/blocking/common_settings.hpp"
#include "services/blocking/listening.hpp"

#include <cstddef>
#include <cstdint>
#include <set>
#include <vector>

namespace instar::game {

/// Gives each connection a seat of its own. A seat is a number that the packets about it have as
/// their key, chosen so that each is another reader's and another writer's.
class accept : public blocking_operator {
public:
  static constexpr in_port<record_of<Freed>> freed_in{0, "freed"};
  static constexpr out_port<descriptor_packet> out{0, "seat"};
  static constexpr setting_type address_setting{"address", setting_kind::text, "127.0.0.1", false,
                                                "numeric address to listen on"};
  static constexpr setting_type port_setting{"port", setting_kind::integer, "8490", false,
                                             "port to listen on; 0 takes any free one"};
  static constexpr setting_type seats_setting{
      "seats", setting_kind::integer, "4", false,
      "as many as there are readers and writers (their `replicas`)"};

  void run(blocking_context& ctx) final;
  bool left_over(std::size_t port, packet& p) final;
  void save(state_writer& into) const final;
  void restore(context& ctx, state_reader& from) final;
  void claim(context& ctx) final;

protected:
  /// Who finds no free seat waits at the socket, or is told so.
  accept(const settings& values, bool they_wait);

private:
  void take(blocking_context& ctx);
  void seat(blocking_context& ctx, int fd);

  blocking::listening at_;
  const std::vector<std::uint64_t> seats_;
  const bool they_wait_;
  std::set<std::uint64_t> taken_;
};

} // namespace instar::game
