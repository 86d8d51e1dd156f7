#include "actors/open_requests.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace instar {

namespace {

constexpr std::uint64_t sequence_mask = (std::uint64_t{1} << open_requests::sequence_bits) - 1;

} // namespace

open_requests::open_requests(std::uint64_t place, std::uint64_t first)
    : place_(place), next_(first & sequence_mask) {
  assert(place >= 1 && place <= max_place);
}

void open_requests::aim(std::vector<target> targets) {
  if (targets == targets_) return;
  const auto index = [&](std::size_t old) {
    const auto found =
        old < targets_.size()
            ? std::find_if(targets.begin(), targets.end(),
                           [&](const target& t) { return t.port == targets_[old].port; })
            : targets.end();
    return found == targets.end() ? operator_base::no_port
                                  : static_cast<std::size_t>(found - targets.begin());
  };
  std::vector<std::size_t> now;
  for (std::size_t old = 0; old < targets_.size(); ++old) now.push_back(index(old));
  const auto moved = [&](std::size_t old) {
    return old < now.size() ? now[old] : operator_base::no_port;
  };
  for (auto& e : ended_) e.what.port = moved(e.what.port);
  by_port_.assign(targets.size(), 0);
  std::vector<std::size_t> lost;
  for (const auto slot : heap_) {
    auto& what = entries_[slot].what;
    const auto port = moved(what.port);
    const bool same =
        port != operator_base::no_port && targets[port].server == targets_[what.port].server;
    what.port = port;
    if (port != operator_base::no_port) ++by_port_[port];
    if (!same) lost.push_back(slot);
  }
  // In the order in which they were asked.
  std::sort(lost.begin(), lost.end(), [&](std::size_t a, std::size_t b) {
    return ((next_ - entries_[a].sequence) & sequence_mask) >
           ((next_ - entries_[b].sequence) & sequence_mask);
  });
  for (const auto slot : lost) {
    ended_.push_back({entries_[slot].what, no_answer::nobody});
    remove(slot);
  }
  targets_ = std::move(targets);
}

std::uint64_t open_requests::open(std::size_t port, std::uint64_t token, clock::time_point due) {
  const auto sequence = next_;
  next_ = (next_ + 1) & sequence_mask;
  const auto id = place_ << sequence_bits | sequence;
  if (port >= targets_.size() || targets_[port].server == 0) {
    ended_.push_back({{port, token}, no_answer::nobody});
    return id;
  }
  make_room();
  const auto slot = free_.back();
  free_.pop_back();
  entries_[slot] = {sequence, {port, token}, due, heap_.size()};
  heap_.push_back(slot);
  sift_up(heap_.size() - 1);
  insert(slot);
  ++by_port_[port];
  return id;
}

std::optional<open_requests::request> open_requests::close(std::uint64_t id) {
  if (place_of(id) != place_ || index_.empty()) return std::nullopt;
  const auto at = find(id & sequence_mask);
  if (index_[at] == 0) return std::nullopt;
  const auto slot = index_[at] - 1;
  const auto what = entries_[slot].what;
  remove(slot);
  return what;
}

std::optional<open_requests::clock::time_point> open_requests::next_due() const {
  if (heap_.empty()) return std::nullopt;
  return entries_[heap_.front()].due;
}

void open_requests::expire(clock::time_point now) {
  while (!heap_.empty() && entries_[heap_.front()].due <= now) {
    ended_.push_back({entries_[heap_.front()].what, no_answer::deadline});
    remove(heap_.front());
  }
}

std::optional<open_requests::unanswered> open_requests::take_ended() {
  if (ended_.empty()) return std::nullopt;
  const auto first = ended_.front();
  ended_.pop_front();
  return first;
}

// -- entries --------------------------------------------------------------------------------------

/// Takes an entry out of heap and index.
void open_requests::remove(std::size_t slot) {
  const auto& gone = entries_[slot];
  if (gone.what.port < by_port_.size()) --by_port_[gone.what.port];
  erase(find(gone.sequence));
  const auto at = gone.at, last = heap_.back();
  heap_.pop_back();
  if (at < heap_.size()) {
    place(last, at);
    sift_up(at);
    sift_down(entries_[last].at);
  }
  free_.push_back(slot);
}

void open_requests::make_room() {
  if (!free_.empty()) return;
  constexpr std::size_t least = 16;
  const auto before = entries_.size(), after = std::max(least, before * 2);
  entries_.resize(after);
  free_.reserve(after);
  heap_.reserve(after);
  for (auto slot = after; slot > before; --slot) free_.push_back(slot - 1);
  index_.assign(after * 2, 0); // a power of two, and never more than half full
  for (const auto slot : heap_) insert(slot);
}

// -- index ----------------------------------------------------------------------------------------

/// Where the index has this sequence, or has room for it.
std::size_t open_requests::find(std::uint64_t sequence) const {
  const auto mask = index_.size() - 1;
  auto at = sequence & mask;
  while (index_[at] != 0 && entries_[index_[at] - 1].sequence != sequence) at = (at + 1) & mask;
  return at;
}

void open_requests::insert(std::size_t slot) { index_[find(entries_[slot].sequence)] = slot + 1; }

/// Those behind it move up, so that each is still found from its own place on.
void open_requests::erase(std::size_t at) {
  const auto mask = index_.size() - 1;
  for (auto next = (at + 1) & mask; index_[next] != 0; next = (next + 1) & mask) {
    const auto home = entries_[index_[next] - 1].sequence & mask;
    if (((next - home) & mask) < ((next - at) & mask)) continue;
    index_[at] = index_[next];
    at = next;
  }
  index_[at] = 0;
}

// -- heap -----------------------------------------------------------------------------------------

void open_requests::place(std::size_t slot, std::size_t at) {
  heap_[at] = slot;
  entries_[slot].at = at;
}

/// Of two with the same deadline the one that was asked first.
bool open_requests::earlier(std::size_t a, std::size_t b) const {
  const auto &x = entries_[a], &y = entries_[b];
  if (x.due != y.due) return x.due < y.due;
  return ((next_ - x.sequence) & sequence_mask) > ((next_ - y.sequence) & sequence_mask);
}

void open_requests::sift_up(std::size_t at) {
  const auto slot = heap_[at];
  while (at > 0 && earlier(slot, heap_[(at - 1) / 2])) {
    place(heap_[(at - 1) / 2], at);
    at = (at - 1) / 2;
  }
  place(slot, at);
}

void open_requests::sift_down(std::size_t at) {
  const auto slot = heap_[at];
  for (auto child = 2 * at + 1; child < heap_.size(); child = 2 * at + 1) {
    if (child + 1 < heap_.size() && earlier(heap_[child + 1], heap_[child])) ++child;
    if (!earlier(heap_[child], slot)) break;
    place(heap_[child], at);
    at = child;
  }
  place(slot, at);
}

} // namespace instar
