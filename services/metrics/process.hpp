#pragma once

#include <cstdint>
#include <optional>

namespace instar::metrics_page {

/// What the kernel tells of this process.
struct process_usage {
  double cpu_seconds = 0; ///< of user and system together
  double started = 0;     ///< seconds since 1970
  std::uint64_t resident_bytes = 0, virtual_bytes = 0;
  std::uint64_t open_files = 0, most_files = 0; ///< most: what it may have
  std::uint64_t threads = 0;
};
process_usage read_process_usage();

/// What the allocator tells, if it is jemalloc; its manual says what each is.
struct heap_usage {
  std::uint64_t allocated = 0, active = 0, metadata = 0, resident = 0, mapped = 0, retained = 0;
};
std::optional<heap_usage> read_heap_usage();

} // namespace instar::metrics_page
