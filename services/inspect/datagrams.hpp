#pragma once

#include "services/inspect/headers.hpp"
#include "services/inspect/pieces.hpp"

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

namespace instar::inspect {

/// Puts fragments of IPv4 packets together (RFC 791, 815). Of bytes that two fragments bring, those
/// of the first count.
///
/// Time is that of the frames: which fragments belong together does not depend on how fast they
/// are read.
class datagrams {
public:
  /// From the first fragment on the others have so long.
  static constexpr std::int64_t patience = 30'000'000'000;
  static constexpr std::uint64_t largest = 65'515; ///< payload of a packet

  explicit datagrams(std::size_t most) : most_(most) {}

  enum class outcome { incomplete, complete, refused };
  /// If the fragment is the last that was missing, `whole` is the packet's payload. One that cannot
  /// be right, or for which there is no room, is refused.
  outcome add(std::uint64_t job, const ipv4& fragment, std::int64_t time, std::string& whole);

  void end(std::uint64_t job);
  /// Makes room: forgets what will not be completed any more. Returns how many.
  std::size_t expire(std::uint64_t job, std::int64_t now);
  std::size_t size() const { return all_.size(); }

  struct key {
    std::uint64_t job = 0;
    std::uint32_t source = 0, destination = 0;
    std::uint8_t protocol = 0;
    std::uint16_t id = 0;
    auto operator<=>(const key&) const = default;
  };
  struct entry {
    std::int64_t since = 0;
    std::uint64_t size = 0; ///< 0 = not known yet
    pieces have;
  };
  /// For a successor.
  const std::map<key, entry>& all() const { return all_; }
  void put(const key& at, entry e) { all_.insert_or_assign(at, std::move(e)); }

private:
  std::map<key, entry> all_;
  std::size_t most_;
};

} // namespace instar::inspect
