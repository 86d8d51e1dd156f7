#pragma once

#include "actors/metrics.hpp"
#include "services/metrics/process.hpp"

#include <optional>
#include <string>

namespace instar::metrics_page {

/// Everything that the page shows.
struct page_content {
  observation seen;
  process_usage process;
  std::optional<heap_usage> heap;
};

/// In the text form of Prometheus, version 0.0.4. Which names there are: README.md.
///
/// The number of series depends on the graph alone. What `instarctl trace` puts into it is left
/// out, because it has another name each time. An own metric whose name is taken by something of
/// another kind is left out as well, and counted.
std::string page_text(const page_content& of);

} // namespace instar::metrics_page
