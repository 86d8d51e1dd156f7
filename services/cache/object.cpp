#include "services/cache/object.hpp"

namespace instar::file_cache {

object::~object() = default;

std::vector<metric_description> object::metrics() {
  return {{"instar_file_cache_hits_total", "Pages that were in memory."},
          {"instar_file_cache_misses_total", "Pages that were not."},
          {"instar_file_cache_contended_total", "Calls that had to wait for another's lock."}};
}

} // namespace instar::file_cache
