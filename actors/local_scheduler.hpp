#pragma once

#include "actors/event_source.hpp"
#include "actors/local_clock.hpp"

#include <caf/detail/type_list.hpp>
#include <caf/resumable.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>

#include <atomic>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace instar {

/// A scheduler of CAF for graphs of cheap operators; loaded as a module of the actor system.
///
/// An actor that a worker's actor wakes runs on that worker, next to the packets that it was woken
/// for, which are still in that core's cache. Others take it over only if it would have to wait
/// for longer than the activation that woke it. So a chain of operators with little to do runs on
/// one core without a system call, and one with much to do spreads over all cores:
///
/// - A worker that leaves somebody behind when it goes on, or a thread that is no worker and has
///   woken somebody, wakes an idle worker, unless an idle worker watches.
/// - An idle worker steals. While it finds nothing and others are busy, one of the idle watches:
///   it looks again every half a millisecond. The others sleep.
/// - The last worker to become idle waits for the event source, so that socket events are handled
///   by the thread that is told of them; busy workers and the one that watches look there too.
///
/// An actor that has been sent a message by another one goes before those that were woken for
/// packets, so that old instance and successor need not wait for the packets of others between cut
/// and commit (markers do: they are in the arcs). What the supervisor sends comes from its own
/// thread; workers look there every other turn.
///
/// CAF's own schedulers take a lock and wake a sleeping worker for each message to an idle actor
/// (`sharing`) or let idle workers poll (`stealing`). Both look up each actor's class and tell
/// CAF's logger of each turn, which is a third of a turn's time; here CAF's logger, which instar
/// does not use, hears nothing from the workers.
class local_scheduler final : public caf::scheduler::abstract_coordinator {
public:
  explicit local_scheduler(caf::actor_system& system);
  ~local_scheduler() override;

  /// What `caf::actor_system_config::load` calls.
  static caf::actor_system::module* make(caf::actor_system& system, caf::detail::type_list<>);

  /// While it lives, what its thread enqueues wakes nobody; at its end one worker is woken for all
  /// of it. For a thread, no worker, that tells many: the first of them to be woken may take its
  /// processor away before the last has been told.
  class all_at_once {
  public:
    /// Does nothing if another scheduler runs the actors of `system`.
    explicit all_at_once(caf::actor_system& system)
        : on_(dynamic_cast<local_scheduler*>(&system.scheduler())),
          outer_(std::exchange(telling_, on_)) {}
    ~all_at_once() {
      telling_ = outer_;
      if (on_ && on_ != outer_ && on_->idle_count_.load(std::memory_order_relaxed) != 0)
        on_->wake_idle();
    }
    all_at_once(const all_at_once&) = delete;
    all_at_once& operator=(const all_at_once&) = delete;

  private:
    local_scheduler* const on_;
    local_scheduler* const outer_; // of those that enclose this one
  };

  /// What idle workers wait for. Outlives the workers; at most one for each scheduler.
  void attach(event_source& source);

  /// From any thread: to the worker whose thread it is, else to whichever is free first.
  void enqueue(caf::resumable* job) override;
  caf::actor_clock& clock() noexcept override { return clock_; }

protected:
  void start() override;
  void stop() override;

private:
  class worker;

  /// What threads other than the workers enqueue, and what overflows.
  void push_shared(caf::resumable* job);
  caf::resumable* take_shared();
  void wake_one() {
    const auto idle = idle_count_.load(std::memory_order_relaxed);
    if (idle != 0 && (idle == workers_.size() || !watched_.load(std::memory_order_relaxed)))
      wake_idle();
  }
  void wake_idle();
  void poll_events();
  bool park(worker& self);
  bool wait_idle(worker& self, std::unique_lock<std::mutex>& lock);
  bool work_left(const worker& thief) const;
  void set_watcher(worker* w);

  static thread_local local_scheduler* telling_; // `all_at_once`

  local_clock clock_;
  std::thread clock_thread_;
  std::vector<std::unique_ptr<worker>> workers_;

  std::mutex guard_;
  std::deque<caf::resumable*> shared_;
  std::atomic<std::size_t> shared_count_{0};
  std::vector<worker*> idle_;
  std::atomic<std::size_t> idle_count_{0};
  worker* watcher_ = nullptr;
  std::atomic<bool> watched_{false};
  bool ending_ = false;

  std::atomic<event_source*> source_{nullptr};
  std::atomic<bool> polled_{false}; // by one worker at a time
};

} // namespace instar
