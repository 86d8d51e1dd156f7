#pragma once

#include "actors/payload.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

namespace instar {

class doorbell;

/// Something that happened outside the graph, for example that a socket is readable.
struct event {
  payload_ptr<payload> source; ///< host-owned object it is about; may be null
  std::uint64_t value = 0;     ///< its meaning is the source's
};

/// Where host resources post events for an operator.
///
/// Belongs to the operator's place in the graph, not to an instance: events posted while an
/// update runs are found by the successor, or by the old version if the update is rolled back.
/// The poster bounds the number of events (a socket with an undelivered event posts no second).
///
/// `post` may be called from any thread, `take` only by the actor that runs the operator.
class inlet {
public:
  explicit inlet(std::shared_ptr<doorbell> bell);

  /// Appends events in order and wakes the operator.
  void post(std::span<event> events);
  void post(event e) { post(std::span<event>(&e, 1)); }

  /// Moves all events posted so far to the end of `into`; returns whether there were any.
  bool take(std::vector<event>& into);

  /// Puts taken events back in front, undelivered, for whoever owns the place next.
  void put_back(std::vector<event>&& undelivered);

  /// Whether `take` would find something. Any thread.
  bool filled() const { return filled_.load(std::memory_order_acquire); }

  /// How many events wait to be taken. Any thread, a moment's value.
  std::size_t waiting() const;

  /// After this, posted events are dropped: the operator's place has ended.
  void close();

private:
  std::shared_ptr<doorbell> bell_;
  std::atomic<bool> filled_{false};
  mutable std::mutex guard_;
  std::vector<event> events_;
  bool closed_ = false;
};

} // namespace instar
