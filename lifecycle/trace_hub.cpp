#include "lifecycle/trace_hub.hpp"

#include <algorithm>

namespace instar {

void trace_box::hand_over(std::vector<packet_header>& batch) {
  std::lock_guard lock(guard_);
  std::string_view given, known; // of the header before: mostly the same
  for (auto& header : batch) {
    ++totals_.packets;
    totals_.dropped += header.dropped;
    if (waiting_.size() - taken_ >= room_) {
      ++totals_.left_out;
      continue;
    }
    if (header.payload.data() != given.data() || header.payload.size() != given.size()) {
      given = header.payload;
      known = *names_.emplace(given).first;
    }
    header.payload = known;
    waiting_.push_back(header);
  }
  batch.clear();
}

std::vector<packet_header> trace_box::take(std::size_t most) {
  std::lock_guard lock(guard_);
  const auto begin = waiting_.begin() + static_cast<std::ptrdiff_t>(taken_);
  const auto count = std::min(most, waiting_.size() - taken_);
  std::vector<packet_header> taken(begin, begin + static_cast<std::ptrdiff_t>(count));
  taken_ += count;
  if (taken_ * 2 >= waiting_.size()) {
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(taken_));
    taken_ = 0;
  }
  return taken;
}

trace_totals trace_box::totals() const {
  std::lock_guard lock(guard_);
  return totals_;
}

bool trace_box::abandoned() const {
  std::lock_guard lock(guard_);
  return met_ && taps_ == 0;
}

void trace_box::change_taps(int by) {
  std::lock_guard lock(guard_);
  taps_ += by;
  met_ = true;
}

std::shared_ptr<trace_box> trace_hub::open(const std::string& operator_name, std::size_t room) {
  auto box = std::make_shared<trace_box>(room);
  std::lock_guard lock(guard_);
  boxes_.insert_or_assign(operator_name, box);
  return box;
}

void trace_hub::close(std::string_view operator_name) {
  std::lock_guard lock(guard_);
  if (const auto found = boxes_.find(operator_name); found != boxes_.end()) boxes_.erase(found);
}

std::shared_ptr<trace_box> trace_hub::find(std::string_view operator_name) const {
  std::lock_guard lock(guard_);
  const auto found = boxes_.find(operator_name);
  return found == boxes_.end() ? nullptr : found->second;
}

} // namespace instar
