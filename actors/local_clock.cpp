#include "actors/local_clock.hpp"

#include <utility>

namespace instar {

void local_clock::run() {
  std::unique_lock lock(guard_);
  while (!ended_) {
    trigger_expired_timeouts();
    sleeps_ = true;
    if (schedule_.empty()) {
      sleeps_until_ = time_point::max();
      wake_.wait(lock);
    } else {
      sleeps_until_ = schedule_.begin()->first;
      wake_.wait_until(lock, sleeps_until_);
    }
    sleeps_ = false;
  }
}

/// Messages own their receivers, which could not end otherwise, and may end by this.
void local_clock::end() {
  schedule_map dropped;
  std::lock_guard lock(guard_);
  ended_ = true;
  actor_lookup_.clear();
  dropped.swap(schedule_);
  wake_.notify_one();
}

template <class Change>
void local_clock::change(Change&& what) {
  std::lock_guard lock(guard_);
  if (ended_) return;
  what();
  if (sleeps_ && !schedule_.empty() && schedule_.begin()->first < sleeps_until_) wake_.notify_one();
}

void local_clock::set_ordinary_timeout(time_point t, caf::abstract_actor* self,
                                       caf::atom_value type, std::uint64_t id) {
  change([&] { simple_actor_clock::set_ordinary_timeout(t, self, type, id); });
}

void local_clock::set_multi_timeout(time_point t, caf::abstract_actor* self, caf::atom_value type,
                                    std::uint64_t id) {
  change([&] { simple_actor_clock::set_multi_timeout(t, self, type, id); });
}

void local_clock::set_request_timeout(time_point t, caf::abstract_actor* self, caf::message_id id) {
  change([&] { simple_actor_clock::set_request_timeout(t, self, id); });
}

void local_clock::cancel_ordinary_timeout(caf::abstract_actor* self, caf::atom_value type) {
  change([&] { simple_actor_clock::cancel_ordinary_timeout(self, type); });
}

void local_clock::cancel_request_timeout(caf::abstract_actor* self, caf::message_id id) {
  change([&] { simple_actor_clock::cancel_request_timeout(self, id); });
}

void local_clock::cancel_timeouts(caf::abstract_actor* self) {
  change([&] { simple_actor_clock::cancel_timeouts(self); });
}

void local_clock::schedule_message(time_point t, caf::strong_actor_ptr receiver,
                                   caf::mailbox_element_ptr content) {
  change([&] { simple_actor_clock::schedule_message(t, std::move(receiver), std::move(content)); });
}

void local_clock::schedule_message(time_point t, caf::group target, caf::strong_actor_ptr sender,
                                   caf::message content) {
  change([&] {
    simple_actor_clock::schedule_message(t, std::move(target), std::move(sender),
                                         std::move(content));
  });
}

void local_clock::cancel_all() {
  change([&] { simple_actor_clock::cancel_all(); });
}

} // namespace instar
