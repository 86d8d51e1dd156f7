#include "services/counter/object.hpp"

namespace instar::counting {

object::~object() = default;

std::vector<metric_description> object::metrics() {
  return {{"instar_counter_updates_total", "Additions."},
          {"instar_counter_reads_total", "Readings."},
          {"instar_counter_contended_total",
           "Additions before which another caller had added since this one's last."}};
}

} // namespace instar::counting
