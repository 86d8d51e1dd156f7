#pragma once

#include "actors/blocking_operator.hpp"
#include "actors/record.hpp"
#include "actors/settings.hpp"
#include "game.capnp.h"
#include "services/blocking/common_settings.hpp"
#include "services/game/world.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <string>

namespace instar::game {

/// Brings each letter to the writer of its seat, and saves the game: the file is the whole game
/// before or after, whatever happens meanwhile.
class herald : public blocking_operator {
public:
  static constexpr in_port<record_of<News>> in{0, "news"};
  static constexpr out_port<record_of<Letter>> out{0, "letter"};
  static constexpr setting_type game_setting{"game", setting_kind::path, "", false,
                                             "file to save the game in; empty = it is not saved"};

  void run(blocking_context& ctx) final;
  bool left_over(std::size_t port, packet& p) final;
  void save(state_writer& into) const final;
  void restore(context& ctx, state_reader& from) final;

protected:
  /// `durable`: a saved game outlives a loss of power.
  herald(const settings& values, bool durable);

private:
  void save_game(blocking_context& ctx);

  const std::filesystem::path game_;
  const bool durable_;
  std::deque<letter> letters_; // not passed on yet
  std::string world_;          // not saved yet
  std::uint64_t turn_ = 0, saved_ = 0;
};

} // namespace instar::game
