#pragma once

#include "actors/call_ports.hpp"
#include "actors/caller.hpp"
#include "services/cache/cached_file.hpp"
#include "services/cache/object.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace instar::file_cache {

/// A thread's way to read files through a cache. For one thread at a time.
///
/// A file is read outside of the call to the cache: an exchange of that waits for no disk. Where
/// nobody serves, all comes from the files.
class reader {
public:
  /// `name`: of the operator, or the `port` that its settings say.
  reader(call_ports& all, std::string_view name) : caller_(all.port<object>(name)) {}

  /// Waits until somebody serves there; returns whether that was within `patience`.
  bool await(std::chrono::nanoseconds patience) const { return caller_.await(patience); }

  /// Reads as much as there is from `offset` on. Less than asked for only at the end of the file.
  result<std::size_t> read(const cached_file& from, std::uint64_t offset,
                           std::span<std::byte> into);

private:
  result<std::size_t> read_page(const cached_file& from, const page_key& which, std::size_t offset,
                                std::span<std::byte> into);

  caller<object> caller_;
};

} // namespace instar::file_cache
