#pragma once

#include "actors/blocking_operator.hpp"
#include "actors/record.hpp"
#include "actors/settings.hpp"
#include "game.capnp.h"
#include "services/blocking/common_settings.hpp"
#include "services/game/world.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>

namespace instar::game {

/// Has the world: takes the players' lines, and carries their orders out, turn by turn. Between the
/// turns it sleeps.
class clock : public blocking_operator {
public:
  static constexpr in_port<record_of<Order>> in{0, "order"};
  static constexpr out_port<record_of<News>> out{0, "news"};
  static constexpr out_port<record_of<Freed>> freed_out{1, "freed"};
  static constexpr setting_type turn_setting{"turn", setting_kind::duration, "500ms", false,
                                             "how long a turn is"};
  static constexpr setting_type game_setting{
      "game", setting_kind::path, "", false,
      "a saved game to begin with, if there is one; `herald.game` saves it"};
  static constexpr setting_type save_setting{"save_every", setting_kind::integer, "20", false,
                                             "turns after which the game is saved"};

  void run(blocking_context& ctx) final;
  bool left_over(std::size_t port, packet& p) final;
  void save(state_writer& into) const final;
  void restore(context& ctx, state_reader& from) final;

protected:
  clock(const settings& values, bool jumps);

private:
  using steady = std::chrono::steady_clock;

  void begin(blocking_context& ctx);
  void take_lines(Order::Reader order);
  void tell(blocking_context& ctx, bool with_world);

  const std::chrono::nanoseconds turn_;
  const std::filesystem::path game_;
  const std::uint64_t save_every_;
  world world_;
  bool begun_ = false; // with a saved game, or without
  steady::time_point due_{};
};

} // namespace instar::game
