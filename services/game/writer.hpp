#pragma once

#include "actors/blocking_operator.hpp"
#include "actors/descriptors.hpp"
#include "actors/record.hpp"
#include "actors/settings.hpp"
#include "game.capnp.h"
#include "services/blocking/common_settings.hpp"
#include "services/game/world.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>

namespace instar::game {

/// Sends who sits on its seat what is said to him. Who takes nothing for `patience` is thrown out,
/// so that nobody holds up the game.
class writer : public blocking_operator {
public:
  static constexpr in_port<record_of<Letter>> in{0, "letter"};
  static constexpr setting_type patience_setting{
      "patience", setting_kind::duration, "10s", false,
      "who takes nothing of what is sent for so long is thrown out"};

  void run(blocking_context& ctx) final;
  bool left_over(std::size_t port, packet& p) final;
  void save(state_writer& into) const final;
  void restore(context& ctx, state_reader& from) final;

protected:
  /// `together`: what waits for the same player leaves in one piece.
  writer(const settings& values, bool together);

private:
  void next(blocking_context& ctx);
  void write(blocking_context& ctx);

  const std::chrono::nanoseconds patience_;
  const bool together_;
  letter now_; // is being written, if its text is not empty
  std::size_t done_ = 0;
  std::deque<letter> waiting_;
};

} // namespace instar::game
