#pragma once

#include "protocol_world.hpp"

#include <cstdint>
#include <functional>
#include <vector>

namespace instar::test {

/// A run of the test operators during which somebody orders changes: all of them at once, after so
/// many messages.
struct changed_run {
  graph first;
  std::vector<wanted_graph> orders;
  std::function<void(script&)> plot = {};
  /// Judges each order; without it all have to be committed.
  std::function<void(const history_entry&)> outcome = {};
  std::uint64_t items = 60, keys = 0; ///< that the source sends; 0 = the script's number of keys
  std::uint64_t lost = 0;             ///< items that somebody threw at
  bool waits = false;                 ///< for deadlines
  std::function<void(script&)> at_end = {};
};

/// Runs it once for each message boundary that the orders can come at, and with 100 random
/// schedules; checks each time that nothing was lost, doubled, reordered or left over.
void run_at_every_point(const changed_run& run);

} // namespace instar::test
