#include "actors/local_scheduler.hpp"

#include "actors/run_queue.hpp"

#include <caf/actor_system.hpp>
#include <caf/detail/set_thread_name.hpp>
#include <caf/execution_unit.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdint>

namespace instar {

namespace {

/// After which a busy worker looks at the event source, so that what comes from outside waits
/// neither for actors that wake each other for ever nor for many long turns: a short request for
/// more than a few of the long answers that are written meanwhile. At what other threads have
/// enqueued it looks every other turn: that is rare, and often the supervisor's.
constexpr std::chrono::microseconds time_between_looks{300};

/// Turns after which it looks at the clock for that.
constexpr std::uint64_t turns_between_clocks = 4;

/// Every so many turns those that were woken for packets go before those that were sent a message,
/// so that two who talk for ever do not keep them out.
constexpr std::uint64_t turns_between_others = 4;

/// How long work may wait for a busy worker while another one is idle.
constexpr std::chrono::microseconds watch_interval{500};

/// How often the one that watches finds nobody busy before it goes to sleep.
constexpr int quiet_looks = 20;

} // namespace

class local_scheduler::worker final : public caf::execution_unit {
public:
  worker(local_scheduler& all, std::size_t index)
      : execution_unit(&all.system()), all_(all), index_(index) {}

  /// The one whose thread this is, or null.
  static worker* current() { return current_; }

  const local_scheduler* scheduler() const { return &all_; }

  /// Of an actor that an actor on this thread has sent a message. Own thread only.
  void exec_later(caf::resumable* job) override { push(told_, job); }

  /// Of an actor that is woken on this thread in another way. Own thread only.
  void exec_in_turn(caf::resumable* job) { push(rung_, job); }

  void start() {
    thread_ = std::thread([this] {
      block_broken_pipes();
      caf::detail::set_thread_name("instar.worker");
      system().thread_started();
      current_ = this;
      while (auto* job = next()) run(job);
      current_ = nullptr;
      system().thread_terminates();
    });
  }
  void join() { thread_.join(); }

  bool has_jobs() const { return jobs() > 0; }
  bool has_surplus() const { return jobs() >= surplus_from(); }
  caf::resumable* take_surplus() {
    const auto from = surplus_from();
    if (auto* job = told_.take(rung_.size() > 0 ? 1 : from)) return job;
    return rung_.take(from);
  }
  caf::resumable* take_any() {
    auto* job = told_.take();
    return job ? job : rung_.take();
  }

  // Guarded by the scheduler's lock.
  std::condition_variable wake;
  bool woken = false;
  bool polls = false; // it waits for the event source
  int quiet = 0;      // looks without anybody busy

private:
  using clock = std::chrono::steady_clock;

  std::uint32_t jobs() const { return told_.size() + rung_.size(); }

  void push(run_queue& to, caf::resumable* job) {
    if (!to.push(job)) return all_.push_shared(job);
    if (jobs() < 2) return; // the next one to run, here
    std::atomic_thread_fence(std::memory_order_seq_cst);
    all_.wake_one();
  }

  void run(caf::resumable* job) {
    switch (job->resume(this, all_.max_throughput())) {
    case caf::resumable::resume_later:
      return exec_in_turn(job); // it stays referred to
    case caf::resumable::done:
    case caf::resumable::awaiting_message:
    case caf::resumable::shutdown_execution_unit:
      return intrusive_ptr_release(job);
    }
  }

  /// A file region sent to a socket that the peer has closed raises SIGPIPE in this thread, where
  /// nothing but the error is wanted: of `sendfile` it cannot be asked.
  static void block_broken_pipes() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  }

  /// What to run now; sleeps until there is something. Null at the end.
  caf::resumable* next() {
    for (;;) {
      if (++turns_ % turns_between_clocks == 0) look_outside();
      auto* job = turns_ % turns_between_others == 0 ? nullptr : told_.take();
      if (!job && turns_ % 2 == 0) job = all_.take_shared();
      if (!job) job = rung_.take();
      if (!job) job = told_.take();
      if (!job) job = all_.take_shared();
      bool leaves = jobs() > 0;
      if (leaves != leaves_behind_.load(std::memory_order_relaxed))
        leaves_behind_.store(leaves, std::memory_order_relaxed);
      leaves |= all_.shared_count_.load(std::memory_order_relaxed) > 0;
      if (!job) {
        job = steal();
        if (!job && all_.park(*this)) {
          looked_ = clock::now();
          continue;
        }
        leaves = job && all_.work_left(*this);
      }
      if (leaves) {
        std::atomic_thread_fence(std::memory_order_seq_cst);
        all_.wake_one();
      }
      return job;
    }
  }

  void look_outside() {
    const auto now = clock::now();
    if (now - looked_ < time_between_looks) return;
    looked_ = now;
    all_.poll_events();
  }

  caf::resumable* steal() {
    const auto count = all_.workers_.size();
    for (std::size_t i = 1; i < count; ++i)
      if (auto* job = all_.workers_[(index_ + i) % count]->take_surplus()) return job;
    return nullptr;
  }

  /// From which length on others may take from the queue: the only one in it is run next, here,
  /// unless it has been left behind for a whole activation.
  std::uint32_t surplus_from() const {
    return leaves_behind_.load(std::memory_order_relaxed) ? 1 : 2;
  }

  static thread_local worker* current_;

  local_scheduler& all_;
  const std::size_t index_;
  std::thread thread_;
  run_queue told_, rung_; // see local_scheduler
  std::atomic<bool> leaves_behind_{false};
  std::uint64_t turns_ = 0;
  clock::time_point looked_; // at the event source, or awake since
};

thread_local local_scheduler::worker* local_scheduler::worker::current_ = nullptr;
thread_local local_scheduler* local_scheduler::telling_ = nullptr;

local_scheduler::local_scheduler(caf::actor_system& system) : abstract_coordinator(system) {}

local_scheduler::~local_scheduler() = default;

caf::actor_system::module* local_scheduler::make(caf::actor_system& system,
                                                 caf::detail::type_list<>) {
  return new local_scheduler(system);
}

void local_scheduler::start() {
  for (std::size_t i = 0; i < num_workers(); ++i)
    workers_.push_back(std::make_unique<worker>(*this, i));
  for (auto& w : workers_) w->start();
  clock_thread_ = std::thread([this] {
    caf::detail::set_thread_name("instar.clock");
    system().thread_started();
    clock_.run();
    system().thread_terminates();
  });
  abstract_coordinator::start();
}

void local_scheduler::stop() {
  stop_actors();
  {
    std::lock_guard lock(guard_);
    ending_ = true;
    for (auto* w : idle_) w->wake.notify_one();
    if (auto* source = source_.load()) source->interrupt();
  }
  for (auto& w : workers_) w->join();
  clock_.end();
  clock_thread_.join();
  while (auto* job = take_shared()) cleanup_and_release(job);
  for (auto& w : workers_)
    while (auto* job = w->take_any()) cleanup_and_release(job);
}

void local_scheduler::enqueue(caf::resumable* job) {
  auto* here = worker::current();
  if (here && here->scheduler() == this) here->exec_in_turn(job);
  else push_shared(job);
}

void local_scheduler::attach(event_source& source) {
  source_.store(&source, std::memory_order_release);
  wake_idle(); // to wait there
}

// A worker that goes to sleep says so (`idle_count_`), then looks everywhere once more. Whoever
// leaves something to do shows it first, then looks at `idle_count_`. With a full fence between the
// two on both sides, at least one of them sees the other.

void local_scheduler::push_shared(caf::resumable* job) {
  {
    std::lock_guard lock(guard_);
    shared_.push_back(job);
    shared_count_.store(shared_.size(), std::memory_order_relaxed);
  }
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (telling_ != this) wake_one();
}

caf::resumable* local_scheduler::take_shared() {
  if (shared_count_.load(std::memory_order_relaxed) == 0) return nullptr;
  std::lock_guard lock(guard_);
  if (shared_.empty()) return nullptr;
  auto* job = shared_.front();
  shared_.pop_front();
  shared_count_.store(shared_.size(), std::memory_order_relaxed);
  return job;
}

/// The lock is released first: whoever is woken takes it.
void local_scheduler::wake_idle() {
  std::unique_lock lock(guard_);
  if (idle_.empty()) return;
  auto* sleeper = idle_.back(); // its caches are the warmest
  idle_.pop_back();
  idle_count_.store(idle_.size(), std::memory_order_relaxed);
  sleeper->woken = true;
  const bool polls = sleeper->polls;
  lock.unlock();
  if (polls) source_.load(std::memory_order_relaxed)->interrupt();
  else sleeper->wake.notify_one();
}

/// Looks at the event source without waiting, if nobody else does.
void local_scheduler::poll_events() {
  auto* source = source_.load(std::memory_order_acquire);
  if (!source || polled_.exchange(true, std::memory_order_acquire)) return;
  source->poll(false);
  polled_.store(false, std::memory_order_release);
}

/// Sleeps until there is something to do. False at the end.
bool local_scheduler::park(worker& self) {
  std::unique_lock lock(guard_);
  self.woken = false;
  self.quiet = 0;
  idle_.push_back(&self);
  idle_count_.store(idle_.size(), std::memory_order_relaxed);
  if (!watcher_ && idle_.size() < workers_.size()) set_watcher(&self);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  bool found = false, polled = false;
  while (!(found = self.has_jobs() || work_left(self)) && !self.woken && !ending_)
    polled = wait_idle(self, lock);
  if (watcher_ == &self) set_watcher(nullptr);
  if (!self.woken) {
    idle_.erase(std::find(idle_.begin(), idle_.end(), &self));
    idle_count_.store(idle_.size(), std::memory_order_relaxed);
  }
  const bool goes_on = found || self.woken;
  // It may be busy for long, and nobody waits for the event source meanwhile.
  const bool needs_watcher = goes_on && polled && !watcher_;
  lock.unlock();
  if (needs_watcher) wake_idle();
  return goes_on;
}

/// One wait: for the event source if everybody is idle, for a while if `self` watches. Returns
/// whether it was for the event source.
bool local_scheduler::wait_idle(worker& self, std::unique_lock<std::mutex>& lock) {
  auto* source = source_.load(std::memory_order_acquire);
  const bool all_idle = idle_.size() == workers_.size();
  if (source && all_idle && !polled_.exchange(true, std::memory_order_acquire)) {
    if (watcher_ == &self) set_watcher(nullptr);
    self.polls = true;
    lock.unlock();
    source->poll(true);
    polled_.store(false, std::memory_order_release);
    lock.lock();
    self.polls = false;
    return true;
  }
  if (watcher_ != &self) {
    self.wake.wait(lock);
    return false;
  }
  self.wake.wait_for(lock, watch_interval);
  self.quiet = all_idle ? self.quiet + 1 : 0;
  if (self.quiet == quiet_looks) set_watcher(nullptr);
  lock.unlock();
  poll_events();
  lock.lock();
  return false;
}

bool local_scheduler::work_left(const worker& thief) const {
  return shared_count_.load(std::memory_order_relaxed) > 0 ||
         std::any_of(workers_.begin(), workers_.end(),
                     [&](const auto& w) { return w.get() != &thief && w->has_surplus(); });
}

void local_scheduler::set_watcher(worker* w) {
  watcher_ = w;
  watched_.store(w != nullptr, std::memory_order_relaxed);
}

} // namespace instar
