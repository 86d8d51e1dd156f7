#pragma once

#include "game.capnp.h"
#include "services/game/world.hpp"

#include <deque>

namespace instar::game {

inline void write_letter(const letter& from, Letter::Builder to) {
  to.setSeat(from.seat);
  to.setConnection(from.connection);
  to.setText(from.text);
  to.setLast(from.last);
}
inline letter read_letter(Letter::Reader from) {
  return {from.getSeat(), from.getConnection(), from.getText().cStr(), from.getLast()};
}

inline void write_letters(const std::deque<letter>& from, capnp::List<Letter>::Builder to) {
  for (unsigned i = 0; i < to.size(); ++i) write_letter(from[i], to[i]);
}
inline std::deque<letter> read_letters(capnp::List<Letter>::Reader from) {
  std::deque<letter> all;
  for (const auto one : from) all.push_back(read_letter(one));
  return all;
}

} // namespace instar::game
