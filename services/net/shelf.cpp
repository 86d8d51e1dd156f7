#include "services/net/shelf.hpp"

#include <utility>

namespace instar::net {

shelf::ticket::ticket(ticket&& other) noexcept
    : of_(std::exchange(other.of_, nullptr)), id_(other.id_) {}

shelf::ticket& shelf::ticket::operator=(ticket&& other) noexcept {
  std::swap(of_, other.of_);
  std::swap(id_, other.id_);
  return *this;
}

shelf::ticket::~ticket() {
  if (of_) of_->remove(id_);
}

shelf::ticket shelf::put(payload_ptr<payload> object) {
  std::lock_guard lock(guard_);
  kept_.emplace(++last_id_, std::move(object));
  return {this, last_id_};
}

payload_ptr<payload> shelf::get(std::uint64_t id) const {
  std::lock_guard lock(guard_);
  const auto found = kept_.find(id);
  return found == kept_.end() ? nullptr : found->second;
}

std::size_t shelf::size() const {
  std::lock_guard lock(guard_);
  return kept_.size();
}

void shelf::remove(std::uint64_t id) {
  payload_ptr<payload> last; // destroyed after the lock is gone
  std::lock_guard lock(guard_);
  const auto found = kept_.find(id);
  if (found == kept_.end()) return;
  last = std::move(found->second);
  kept_.erase(found);
}

} // namespace instar::net
