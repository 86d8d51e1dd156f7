#pragma once

#include "actors/call_slot.hpp"
#include "actors/own_metrics.hpp"
#include "services/cache/page.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace instar::file_cache {

/// Pages of files in memory, for many threads: the interface of K42's file-cache manager, as far as
/// page faults on pages in core and their filling need it. Called through `reader`.
class object {
public:
  static constexpr std::string_view interface_name = "file_cache";

  /// What is counted of its callers, for `call_slot::count`.
  enum counted : std::size_t { hits, misses, contended };
  /// … as metrics of who serves.
  static std::vector<metric_description> metrics();

  /// Copies from `offset` of a page on, and says how much; nothing if it does not have the page.
  virtual std::optional<std::size_t> read(call_slot& by, const page_key& which, std::size_t offset,
                                          std::span<std::byte> into) = 0;
  /// Keeps a page that was read from its file, unless it has it already. Others may have to go.
  virtual void keep(call_slot& by, const page_key& which, std::unique_ptr<page> body) = 0;

protected:
  object() = default;
  virtual ~object();
};

} // namespace instar::file_cache
