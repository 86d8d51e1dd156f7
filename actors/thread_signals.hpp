#pragma once

#include <pthread.h>
#include <signal.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <mutex>
#include <vector>

namespace instar {

/// Signals to one thread: they interrupt a system call that it is blocked in, or have it note down
/// where it is.
///
/// Two real-time signals of the process are used for that, with handlers that stay. Those that
/// nobody handles are taken, so a program that uses some itself installs its handlers first.
class thread_signals {
public:
  /// Installs the handlers, once per process. Throws `std::runtime_error` if all are in use.
  static void install();

  /// Blocks all signals of the calling thread as long as it lives: what is started meanwhile begins
  /// so.
  class all_blocked {
  public:
    all_blocked() noexcept;
    ~all_blocked();
    all_blocked(const all_blocked&) = delete;
    all_blocked& operator=(const all_blocked&) = delete;

  private:
    sigset_t before_;
  };

  /// On the thread itself, at its begin and at its end. Between them it gets these signals and
  /// those of its own mistakes, no others.
  void enter();
  void leave() noexcept;

  // Any thread. Nothing happens unless the thread is between `enter` and `leave`.

  /// A system call that blocks fails with EINTR, or returns what it has so far. To be repeated: the
  /// thread may be just before the call.
  void interrupt() noexcept;
  /// Asks where the thread is. System calls go on, where they can be restarted.
  void ask_where() noexcept;
  /// What it answered: return addresses, innermost first; empty if it has not.
  std::vector<void*> where() const;

private:
  static void on_look(int signal, siginfo_t* info, void* machine);
  void send(int signal) noexcept;

  std::mutex guard_;
  pthread_t thread_{};
  bool entered_ = false;
  enum class look { none, asked, answered };
  std::atomic<look> look_{look::none};
  std::size_t size_ = 0; // of the answer; like it, the thread's own until it has answered
  std::array<void*, 48> frames_{};
};

} // namespace instar
