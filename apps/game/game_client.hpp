#pragma once

#include "apps/clients/connection.hpp"
#include "apps/clients/crowd.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace instar::clients {

/// A player: trades, flies on, and keeps the books. What the game answers has to agree with them,
/// and of several orders one has to be carried out in each turn.
class game_client final : public client {
public:
  game_client(std::string host, std::uint16_t port, std::size_t number);

  void open() override;
  std::uint64_t ask() override;
  void close() override;

private:
  struct books {
    std::uint64_t sector = 0;
    std::int64_t credits = 0;
    std::array<std::int64_t, 3> cargo{};
    bool operator==(const books&) const = default;
  };
  struct order {
    std::string text;
    std::size_t good = 0;
    std::int64_t count = 0;   // bought; negative: sold
    std::uint64_t sector = 0; // to fly to
    bool flies = false;
  };

  std::string line();
  std::string question(const std::string& text);
  static books read_books(const std::string& said);
  void check(const order& given, const std::string& said);
  order trade();
  order fly();
  void expect(bool holds, const std::string& said) const;

  const std::string host_;
  const std::uint16_t port_;
  const std::string name_;
  connection to_;
  std::mt19937 random_;
  books has_;
  std::uint64_t turn_ = 0; // of the last order
};

} // namespace instar::clients
