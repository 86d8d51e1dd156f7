#pragma once

#include "actors/arc.hpp"
#include "actors/counters.hpp"
#include "actors/inlet.hpp"
#include "actors/lanes.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace instar {

class doorbell;
class open_requests;

/// An operator's place in the graph: what stays when its instance is replaced.
struct operator_place {
  std::string name;
  std::shared_ptr<doorbell> bell;
  std::shared_ptr<inlet> events;
  std::shared_ptr<operator_counters> counters;
  std::uint64_t number = 0; ///< of this place among all that the service ever had; from 1
  std::shared_ptr<open_requests> requests;
};

/// The ends of the arcs at one operator, with the doorbells of whoever is at the other ends.
struct in_link {
  std::shared_ptr<arc> queue;
  std::size_t port = 0;
  std::shared_ptr<doorbell> producer;
  bool outside = false;   ///< leads into the cycles that the operator is on
  std::uint64_t from = 0; ///< number of the place whose packets it brings: see `find_ways`
};
struct out_link {
  std::shared_ptr<arc> queue;
  std::size_t port = 0;
  std::shared_ptr<doorbell> consumer;
  std::uint64_t to = 0; ///< number of the place that its packets are for: see `find_ways`
  /// One of several that share the packets by their keys: as in `arc_node`.
  std::uint32_t lane = 0, lanes = 1;
  key_kind key = key_kind::number;
  std::string group{};
};

/// The cycles that have operators in common with each other, as all operators on them see them.
struct cycle_links {
  std::vector<std::shared_ptr<arc>> feedback;
  std::vector<std::shared_ptr<doorbell>> members;
};

struct operator_links {
  std::vector<in_link> in;
  std::vector<out_link> out;
  std::shared_ptr<const cycle_links> cycles; ///< null if the operator is on none
};

} // namespace instar
