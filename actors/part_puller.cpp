#include "actors/part_puller.hpp"

#include "actors/thrown_text.hpp"

#include <deque>
#include <limits>
#include <mutex>
#include <utility>
#include <vector>

namespace instar {

struct part_puller::shared {
  struct part {
    state content;
    std::size_t entries = 0;
  };

  std::mutex lock;
  left_parts from;
  conversion convert;
  std::uint64_t next = parted_state::begin; ///< what comes by itself has been taken up to here
  std::deque<part> ready;                   ///< … and converted, but not yet put in
  std::size_t left = 0;                     ///< entries that have not been put in
  std::optional<std::string> failed;

  /// With the lock held. Goes on to behind what it has taken.
  part take(std::uint64_t& place, std::uint64_t to, std::size_t least) {
    const auto before = from.parts->size();
    state_writer writer(from.header);
    place = from.parts->take(place, to, least, writer);
    const auto entries = before - from.parts->size();
    if (entries == 0) return {};
    return {convert(writer.finish()), entries};
  }
};

part_puller::part_puller(left_parts from, conversion convert, parted_state& into)
    : shared_(std::make_shared<shared>()), into_(into), total_(from.parts->size()) {
  shared_->from = std::move(from);
  shared_->convert = std::move(convert);
  shared_->left = total_;
}

part_puller::~part_puller() = default;

void part_puller::put_in(const state& part, std::size_t entries) {
  if (entries == 0) return;
  state_reader reader(part);
  into_.read(reader);
  shared_->left -= entries;
}

void part_puller::put_in_ready() {
  for (; !shared_->ready.empty(); shared_->ready.pop_front())
    put_in(shared_->ready.front().content, shared_->ready.front().entries);
  arrived_ = shared_->next;
}

void part_puller::fetch(std::uint64_t from, std::uint64_t to) {
  if (to <= arrived_) return;
  const std::lock_guard hold(shared_->lock);
  try {
    put_in_ready();
    const bool goes_on = from <= arrived_; // else there is a gap before it
    auto place = goes_on ? arrived_ : from;
    while (place < to) {
      const auto part = shared_->take(place, to, std::numeric_limits<std::size_t>::max());
      put_in(part.content, part.entries);
    }
    if (goes_on && place > arrived_) arrived_ = shared_->next = place;
  } catch (...) {
    failed_ = thrown_text();
  }
}

std::size_t part_puller::left() const {
  const std::lock_guard hold(shared_->lock);
  return shared_->left;
}

std::function<void()> part_puller::work() const {
  return [shared = shared_] {
    const std::lock_guard hold(shared->lock);
    try {
      auto made = shared->take(shared->next, parted_state::end, part_entries);
      if (made.entries > 0) shared->ready.push_back(std::move(made));
    } catch (...) {
      shared->failed = thrown_text();
    }
  };
}

bool part_puller::advance() {
  const std::lock_guard hold(shared_->lock);
  try {
    put_in_ready();
    if (shared_->failed) failed_ = shared_->failed;
  } catch (...) {
    failed_ = thrown_text();
  }
  return !failed_ && arrived_ != parted_state::end;
}

} // namespace instar
