#pragma once

#include "transfer/parted_state.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace instar {

/// One part of keyed state on its way to a successor.
struct sent_part {
  state content;
  /// Of several successors, each takes what has its place in this range.
  std::uint64_t from_key = parted_state::begin, to_key = parted_state::end;
};

/// Sends keyed state ahead of the cut, part by part, while it is in use: all of it once, then what
/// has changed since, again and again, until little is left for the cut (pre-copy: Clark et al.,
/// "Live Migration of Virtual Machines", NSDI 2005).
///
/// As a rehearsal it sends all of it once, and nothing more: whether each part can be taken over is
/// known then, before the commit.
///
/// Not thread-safe: used by the operator's core.
class part_sender {
public:
  /// So many parts are on their way at the most.
  static constexpr std::size_t window = 4;
  /// Entries of a part, if they are small: those of one bin, so that it takes no longer than a
  /// batch of packets.
  static constexpr std::size_t part_entries = 64;
  /// So few changed entries may wait for the cut.
  static constexpr std::size_t few = 64;

  part_sender(parted_state& from, state_header header, bool rehearsal);
  ~part_sender();
  part_sender(const part_sender&) = delete;
  part_sender& operator=(const part_sender&) = delete;

  /// There is something to send, and room for it on the way. Throws what `write` throws.
  bool ready() const { return in_flight_ < window && has_more(); }
  sent_part next();
  /// The successor has taken a part.
  void taken() {
    --in_flight_;
    ++taken_;
  }

  /// All of it has been taken once, and little has changed since: the cut may come. Or it changes
  /// faster than it can be sent: then it is not going to be less.
  bool near_end() const;

  /// At the cut: all that is left, whatever is on its way. Empty after the last.
  std::optional<sent_part> rest();

  /// About so many entries were sent once, of `total`.
  std::uint64_t sent() const;
  std::uint64_t total() const { return from_.size(); }

private:
  bool has_more() const;
  sent_part write_next();

  parted_state& from_;
  const state_header header_;
  const bool rehearsal_;
  std::uint64_t place_ = parted_state::begin;
  std::size_t in_flight_ = 0;
  std::uint64_t parts_ = 0, taken_ = 0; // until all has been sent once, and in all
  std::uint64_t sent_again_ = 0;
  bool swept_ = false;
};

} // namespace instar
