#include "actors/part_sender.hpp"

#include <limits>
#include <utility>

namespace instar {

part_sender::part_sender(parted_state& from, state_header header, bool rehearsal)
    : from_(from), header_(std::move(header)), rehearsal_(rehearsal) {}

part_sender::~part_sender() { from_.forget_changes(); }

bool part_sender::has_more() const { return !swept_ || (!rehearsal_ && from_.changed() > few); }

bool part_sender::near_end() const {
  return swept_ && taken_ >= parts_ &&
         (rehearsal_ || from_.changed() <= few || sent_again_ > from_.size());
}

std::uint64_t part_sender::sent() const {
  if (swept_) return total();
  return static_cast<std::uint64_t>(static_cast<unsigned __int128>(total()) * place_ >> 64);
}

sent_part part_sender::write_next() {
  state_writer writer(header_);
  sent_part made;
  if (!swept_) {
    // Of a rehearsal nothing follows: what does not fit into a part has to go with it.
    const auto bytes =
        rehearsal_ ? std::numeric_limits<std::size_t>::max() : parted_state::part_bytes;
    place_ = from_.write(place_, part_entries, bytes, writer);
    if (rehearsal_) from_.forget_changes();
    swept_ = place_ == parted_state::end;
    ++parts_;
  } else {
    const auto before = from_.changed();
    from_.write_changed(part_entries, writer);
    sent_again_ += before - from_.changed();
  }
  made.content = writer.finish();
  return made;
}

sent_part part_sender::next() {
  auto made = write_next();
  ++in_flight_;
  return made;
}

std::optional<sent_part> part_sender::rest() {
  if (rehearsal_ || (swept_ && from_.changed() == 0)) return std::nullopt;
  return write_next();
}

} // namespace instar
