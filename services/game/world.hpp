#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace instar::game {

/// A line for a player.
struct letter {
  std::uint64_t seat = 0, connection = 0;
  std::string text;
  bool last = false; ///< the connection ends after it
};

/// The game: traders fly between sectors and carry goods from where they are cheap to where they
/// are dear. Each player's orders are carried out one in a turn, in the order of the seats.
///
/// Rules and their answers: services/game/README.md. Without threads and sockets; what is to be
/// said collects in `letters`.
class world {
public:
  static constexpr std::size_t sectors = 64, goods = 3, most_orders = 16, most_ships = 10'000;
  static constexpr std::int64_t holds = 20, first_credits = 1000, jump_price = 50;
  static constexpr std::array<std::string_view, goods> names = {"ore", "food", "tools"};

  struct player {
    std::uint64_t connection = 0;
    std::string name;
    std::deque<std::string> orders;
  };

  /// With `jumps`, ships can also fly to any sector, for a price.
  explicit world(bool jumps);

  void sit(std::uint64_t seat, std::uint64_t connection);
  void leave(std::uint64_t seat, std::uint64_t connection);
  /// A line of a player: answered at once, or kept for a turn.
  void take(std::uint64_t seat, std::uint64_t connection, std::string_view line);
  void turn();
  std::uint64_t turns() const { return turn_; }

  /// What has not been sent on yet, oldest first.
  std::deque<letter> letters;
  std::deque<std::uint64_t> freed; ///< seats

  // -- state -------------------------------------------------------------------------------------

  /// Turn, stocks and ships, as lines. `load` returns what is wrong with a text, empty if nothing;
  /// then nothing has changed.
  std::string save() const;
  std::string load(std::string_view text);
  std::map<std::uint64_t, player>& players() { return players_; }
  const std::map<std::uint64_t, player>& players() const { return players_; }

  /// Where a ship can fly to from there.
  static std::array<std::size_t, 3> exits(std::size_t sector);

private:
  struct ship {
    std::size_t sector = 0;
    std::int64_t credits = first_credits;
    std::array<std::int64_t, goods> cargo{};
  };
  using stock = std::array<std::int64_t, goods>;

  void say(std::uint64_t seat, const player& to, std::string text, bool last = false);
  std::string introduce(player& who, std::string_view name);
  std::string answer(player& who, std::string_view line);
  std::string carry_out(ship& of, std::string_view order);
  std::string move(ship& of, std::string_view where, bool jump);
  std::string trade(ship& of, std::string_view what, bool buys);
  std::string look(const ship& of) const;
  std::string scores() const;
  std::int64_t price(std::size_t sector, std::size_t good) const;
  static std::string describe(const ship& of);

  const bool jumps_;
  std::uint64_t turn_ = 0;
  std::array<stock, sectors> stocks_;
  std::map<std::string, ship, std::less<>> ships_; // by the name of whom they belong to
  std::map<std::uint64_t, player> players_;        // by seat
};

} // namespace instar::game
