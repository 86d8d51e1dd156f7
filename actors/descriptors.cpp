#include "actors/descriptors.hpp"

#include <unistd.h>

#include <mutex>
#include <random>
#include <unordered_map>
#include <utility>

namespace instar {

struct descriptor::table {
  /// Far from those of every other process, whose numbers may come here with a checkpoint.
  static std::uint64_t some_start() {
    std::random_device random;
    return (std::uint64_t{random()} << 32 ^ std::uint64_t{random()} << 16) >> 1;
  }

  std::mutex guard;
  std::uint64_t last_id = some_start();
  std::unordered_map<std::uint64_t, std::weak_ptr<descriptor>> held;
};

descriptor::~descriptor() {
  if (held_in_) {
    std::lock_guard lock(held_in_->guard);
    held_in_->held.erase(id_);
  }
  if (fd_ >= 0) ::close(fd_);
}

descriptors::descriptors() : table_(std::make_shared<descriptor::table>()) {}

descriptors::~descriptors() = default;

std::shared_ptr<descriptor> descriptors::hold(int fd) {
  auto made = std::make_shared<descriptor>(fd);
  std::lock_guard lock(table_->guard);
  made->id_ = ++table_->last_id;
  table_->held.emplace(made->id_, made);
  made->held_in_ = table_;
  return made;
}

std::shared_ptr<descriptor> descriptors::find(std::uint64_t id) const {
  std::lock_guard lock(table_->guard);
  const auto found = table_->held.find(id);
  return found == table_->held.end() ? nullptr : found->second.lock();
}

std::size_t descriptors::size() const {
  std::lock_guard lock(table_->guard);
  return table_->held.size();
}

} // namespace instar
