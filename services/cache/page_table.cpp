#include "services/cache/page_table.hpp"

#include <iterator>
#include <utility>

namespace instar::file_cache {

std::uint64_t place_of(const page_key& of) noexcept {
  // Odd constants with bits all over; each step mixes what came before (splitmix64's finish).
  std::uint64_t h = of.number * 0x9e3779b97f4a7c15;
  for (const auto part : {of.file.inode, of.file.changed, of.file.device}) {
    h = (h ^ part) * 0xbf58476d1ce4e5b9;
    h ^= h >> 32;
  }
  h *= 0x94d049bb133111eb;
  return h ^ (h >> 31);
}

std::size_t page_table::key_hash::operator()(const page_key& of) const noexcept {
  return static_cast<std::size_t>(place_of(of));
}

const page* page_table::find(const page_key& which) noexcept {
  const auto found = where_.find(which);
  if (found == where_.end()) return nullptr;
  auto& frame = frames_[found->second];
  if (!frame.used) frame.used = true; // most are: their lines stay as they are
  return frame.body.get();
}

bool page_table::add(kept_page& one) {
  const auto [at, fresh] = where_.try_emplace(one.key, frames_.size());
  if (fresh) frames_.push_back(std::move(one));
  return fresh;
}

bool page_table::evict_unused() {
  std::size_t seen = 0;
  for (; seen < frames_.size(); ++seen, ++hand_) {
    if (hand_ >= frames_.size()) hand_ = 0;
    if (!std::exchange(frames_[hand_].used, false)) break;
  }
  if (seen == frames_.size()) return false;
  where_.erase(frames_[hand_].key);
  if (hand_ + 1 < frames_.size()) {
    frames_[hand_] = std::move(frames_.back());
    where_[frames_[hand_].key] = hand_;
  }
  frames_.pop_back();
  return true;
}

void page_table::give(kept_pages& to) {
  to.insert(to.end(), std::make_move_iterator(frames_.begin()),
            std::make_move_iterator(frames_.end()));
  frames_.clear();
  where_.clear();
  hand_ = 0;
}

} // namespace instar::file_cache
