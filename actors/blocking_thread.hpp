#pragma once

#include "actors/blocking_context.hpp"
#include "actors/inlet.hpp"
#include "actors/operator.hpp"
#include "actors/thread_signals.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace instar {

class blocking_operator;
enum class rest_place;

/// The thread of a `blocking_operator`, and what it shares with the actor that runs the operator:
/// packets that wait for it, what it has to say, and whether it has to come to rest.
///
/// The actor's side never waits. Whenever the thread has something for it, or has come to rest, it
/// posts one event to the operator's inlet, until that has been taken.
class blocking_thread {
public:
  using input = blocking_context::input;

  static constexpr std::size_t most_waiting = 1024; ///< packets; beyond that no more are taken
  static constexpr std::size_t most_unsent = 256;   ///< packets; beyond that `emit` waits

  /// What the operator may ask its context.
  struct facts {
    std::string name;
    epoch_t epoch = 0;
    const host_resources* resources = nullptr;
    std::shared_ptr<inlet> events;
  };
  /// What the thread has for the actor, in the order of each kind.
  struct outbox {
    std::vector<std::pair<std::size_t, packet>> packets; ///< by output
    std::vector<std::pair<log_level, std::string>> lines;
    std::optional<std::string> stop; ///< why the service is to be stopped
  };

  explicit blocking_thread(rest_place rests);
  ~blocking_thread();
  blocking_thread(const blocking_thread&) = delete;
  blocking_thread& operator=(const blocking_thread&) = delete;

  // -- the actor's side ---------------------------------------------------------------------------

  /// Starts the thread, which calls `run` of the operator on and on: after every `interrupted`,
  /// until `run` returns.
  void start(blocking_operator& of, facts about);
  bool started() const { return thread_.joinable(); }

  /// More packets for the thread. Returns for how many further ones there is room; if for none, an
  /// event comes when there is.
  std::size_t give(std::vector<input>& packets);
  std::size_t room() const;
  /// Takes what the thread has to say, with its event.
  outbox take();
  /// If `run` threw: what, once; with the packets that wait, for whoever goes on. The event that
  /// brings them back is on its way then.
  struct failure_of_run {
    std::string what;
    std::deque<input> waiting;
  };
  std::optional<failure_of_run> take_failure();
  /// … whoever that is: they come first, and `run` is called again.
  void go_on_after_failure(std::deque<input> waiting);

  /// Asks it to come to rest before its cut. While there is no room for further packets it goes on
  /// until it has taken all: else those before it would never come to their cuts. No event tells
  /// when it rests.
  void begin_to_rest();
  /// The same, if that was not done. Returns whether it rests: out of `run`, and all that it had to
  /// say has been taken. If not, an event comes when there is more to take, or it does.
  bool rest(cut_purpose purpose);
  /// At rest: the oldest packet that waits; null if none does.
  input* oldest();
  void drop_oldest();
  /// At rest: `run` is called until it has taken all packets that wait; then it comes to rest
  /// again.
  void finish_waiting();
  /// Called again and again while it is waited for: interrupts what it may be blocked in.
  void nudge();
  void ask_where() { signals_.ask_where(); }
  /// Whether it has answered, and `where` tells the stack.
  bool has_told_where() const { return !signals_.where().empty(); }
  /// What it does now, in words; with the stack, if that was asked for and has come.
  std::string where() const;
  /// It need not rest any longer.
  void go_on(std::string name);

  /// Has the thread end. Returns whether it has, within that time; if not, it uses the operator and
  /// this on and on.
  bool end(std::chrono::nanoseconds patience);

private:
  friend class thread_context;

  enum class wish {
    run,
    finish, ///< run, and rest as soon as no packets wait
    rest,
    end,
  };
  enum class step { none, running, resting, gone };

  void loop();
  bool call(std::string name);
  void drop_all(std::unique_lock<std::mutex>& lock);
  bool may_run() const;
  bool interruptible() const;
  bool may_rest_inside() const;
  void begin_run();
  void want(wish w);
  void wake(std::unique_lock<std::mutex>& lock);
  void tell(std::unique_lock<std::mutex>& lock);
  void wake_poll() noexcept;
  void unwake_poll();

  const rest_place rests_;
  facts about_;
  blocking_operator* operator_ = nullptr;
  std::thread thread_;
  thread_signals signals_;
  int wake_fd_ = -1; // readable: a wrapper that polls has to look

  mutable std::mutex guard_;
  std::condition_variable changed_; // for the thread
  std::condition_variable gone_;
  std::deque<input> waiting_;
  outbox out_;
  wish wish_ = wish::run;
  step step_ = step::none;
  bool told_ = false;    // an event is on its way
  bool full_ = false;    // the actor takes no more packets
  bool polls_ = false;   // for packets as well
  bool over_ = false;    // `run` has returned
  bool awaited_ = false; // an event tells when it rests
  bool waits_ = false;   // in a wrapper, where it may be at rest
  bool rested_ = false;  // … and was: members may have changed, it has to leave `run`
  bool failed_ = false;  // `run` has thrown, and nobody has gone on yet
  std::optional<std::string> thrown_;
  std::stop_source stop_;

  // What wrappers look at without the lock; changed under it.
  std::atomic<bool> must_rest_{false};  // when a wrapper is entered
  std::atomic<bool> interrupts_{false}; // … or waits
  std::atomic<bool> removed_{false};    // nothing is saved: finish what need not wait

  std::atomic<bool> raw_{false}; // in a system call that only a signal interrupts
  std::atomic<const char*> call_{nullptr};
  std::atomic<int> call_fd_{-1};
};

} // namespace instar
