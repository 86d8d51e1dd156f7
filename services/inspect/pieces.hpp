#pragma once

#include "services/inspect/octets.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <string>

namespace instar::inspect {

/// Bytes that arrive in pieces, out of order and some more than once. What came first counts:
/// pieces never overlap.
class pieces {
public:
  using place = std::uint64_t;

  void insert(place from, octets data) {
    const auto end = from + data.size();
    auto at = from;
    auto next = all_.upper_bound(from);
    if (next != all_.begin())
      if (const auto before = std::prev(next); end_of(before) > at) at = end_of(before);
    while (at < end) {
      const auto until = next == all_.end() ? end : std::min(end, next->first);
      if (until > at) {
        all_.emplace_hint(next, at, data.substr(at - from, until - at));
        size_ += until - at;
      }
      if (next == all_.end()) return;
      at = std::max(until, end_of(next));
      ++next;
    }
  }

  /// Takes out what there is from `at` on without a gap. Nothing may lie before it.
  std::string take(place at) {
    std::string taken;
    while (!all_.empty() && all_.begin()->first == at + taken.size()) {
      taken += all_.begin()->second;
      size_ -= all_.begin()->second.size();
      all_.erase(all_.begin());
    }
    return taken;
  }

  bool empty() const { return all_.empty(); }
  std::size_t size() const { return size_; } ///< in bytes
  place first() const { return all_.begin()->first; }
  place end() const { return all_.empty() ? 0 : end_of(std::prev(all_.end())); }
  const std::map<place, std::string>& all() const { return all_; }

private:
  using iterator = std::map<place, std::string>::const_iterator;
  static place end_of(iterator of) { return of->first + of->second.size(); }

  std::map<place, std::string> all_;
  std::size_t size_ = 0;
};

} // namespace instar::inspect
