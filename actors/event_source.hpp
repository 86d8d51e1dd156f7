#pragma once

namespace instar {

/// Something outside the graph that operators wait for, such as sockets. The scheduler's workers
/// drive it: whoever has nothing else to do waits there instead of sleeping, so what becomes ready
/// is worked on by the thread that learns of it.
///
/// What is ready is posted to inlets (see inlet.hpp). Outlives the service.
class event_source {
public:
  virtual ~event_source() = default;

  /// Posts what is ready; with `block`, waits until there is something or `interrupt` is called.
  /// One thread at a time.
  virtual void poll(bool block) = 0;

  /// Ends the `poll` that blocks now, or else the next one. Any thread.
  virtual void interrupt() = 0;
};

} // namespace instar
