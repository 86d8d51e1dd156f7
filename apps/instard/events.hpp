#pragma once

#include "actors/status.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <variant>

namespace instar::instard {

/// What the main thread waits for.
struct signal_event {
  int number = 0;
};
struct applied_event {
  history_entry entry; ///< of the graph the service starts with
};
struct ended_event {
  std::string reason; ///< why the service wants to end by itself
};
struct stopped_event {
  history_entry entry;
};
using daemon_event = std::variant<signal_event, applied_event, ended_event, stopped_event>;

/// A queue that any thread fills and the main thread empties.
class event_queue {
public:
  void post(daemon_event e);
  daemon_event wait();

private:
  std::mutex guard_;
  std::condition_variable filled_;
  std::deque<daemon_event> events_;
};

/// Turns SIGTERM and SIGINT into events and ignores SIGPIPE.
///
/// To be made before any other thread is: threads inherit that the signals are blocked.
class signal_watch {
public:
  explicit signal_watch(event_queue& into);
  ~signal_watch();

private:
  int fd_ = -1;   // a signalfd
  int stop_ = -1; // an eventfd
  std::thread thread_;
};

} // namespace instar::instard
