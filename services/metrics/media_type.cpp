#include "services/metrics/media_type.hpp"

namespace instar {

std::string_view metrics_media_type() noexcept {
  return "text/plain; version=0.0.4; charset=utf-8";
}

} // namespace instar
