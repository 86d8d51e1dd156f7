#include "actors/thread_signals.hpp"

#include <execinfo.h>
#include <signal.h>
#include <ucontext.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>

namespace instar {

namespace {

int interrupt_signal = 0, look_signal = 0; // set before there is a thread that uses them

/// The thread that a handler runs on.
thread_local thread_signals* mine = nullptr;

void on_interrupt(int) {} // that it was handled is all that it is for

int take_signal(struct sigaction action) {
  for (int s = SIGRTMIN; s <= SIGRTMAX; ++s) {
    struct sigaction is {};
    if (::sigaction(s, nullptr, &is) != 0 || (is.sa_flags & SA_SIGINFO) || is.sa_handler != SIG_DFL)
      continue;
    if (::sigaction(s, &action, nullptr) == 0) return s;
  }
  throw std::runtime_error("all real-time signals have handlers already: none is left to interrupt "
                           "operators that block; leave two of them");
}

/// Where the thread was when the signal came; null where that is not known.
void* interrupted_at(void* machine) {
#if defined(__x86_64__)
  return reinterpret_cast<void*>(static_cast<ucontext_t*>(machine)->uc_mcontext.gregs[REG_RIP]);
#elif defined(__aarch64__)
  return reinterpret_cast<void*>(static_cast<ucontext_t*>(machine)->uc_mcontext.pc);
#else
  (void)machine;
  return nullptr;
#endif
}

/// Those of the thread's own mistakes must come, or the process ends without a word.
void add_mistakes(sigset_t& to) {
  for (const int s : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS}) sigaddset(&to, s);
}

} // namespace

void thread_signals::install() {
  static const bool done = [] {
    void* loaded[1];
    ::backtrace(loaded, 1); // the first call loads a library, which no handler may do
    struct sigaction action {};
    sigfillset(&action.sa_mask);
    action.sa_handler = &on_interrupt;
    interrupt_signal = take_signal(action);
    action.sa_sigaction = &on_look;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    look_signal = take_signal(action);
    return true;
  }();
  (void)done;
}

thread_signals::all_blocked::all_blocked() noexcept {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before_);
}

thread_signals::all_blocked::~all_blocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

void thread_signals::enter() {
  mine = this;
  {
    std::lock_guard lock(guard_);
    thread_ = pthread_self();
    entered_ = true;
  }
  sigset_t open;
  sigemptyset(&open);
  sigaddset(&open, interrupt_signal);
  sigaddset(&open, look_signal);
  add_mistakes(open);
  pthread_sigmask(SIG_UNBLOCK, &open, nullptr);
}

void thread_signals::leave() noexcept {
  std::lock_guard lock(guard_);
  entered_ = false;
}

void thread_signals::interrupt() noexcept { send(interrupt_signal); }

void thread_signals::ask_where() noexcept {
  look_.store(look::asked, std::memory_order_release);
  send(look_signal);
}

std::vector<void*> thread_signals::where() const {
  if (look_.load(std::memory_order_acquire) != look::answered) return {};
  return {frames_.begin(), frames_.begin() + static_cast<std::ptrdiff_t>(size_)};
}

void thread_signals::send(int signal) noexcept {
  std::lock_guard lock(guard_);
  if (entered_) pthread_kill(thread_, signal);
}

/// On the thread that is looked at, wherever it is: touches nothing but its own array.
void thread_signals::on_look(int, siginfo_t*, void* machine) {
  const int error = errno;
  if (auto* const self = mine; self && self->look_.load(std::memory_order_acquire) == look::asked) {
    auto& frames = self->frames_;
    const auto size = std::max(0, ::backtrace(frames.data(), static_cast<int>(frames.size())));
    const auto end = frames.begin() + size;
    // Without the frames of the handler itself.
    auto begin = std::find(frames.begin(), end, interrupted_at(machine));
    if (begin == end) begin = frames.begin();
    self->size_ = static_cast<std::size_t>(std::move(begin, end, frames.begin()) - frames.begin());
    self->look_.store(look::answered, std::memory_order_release);
  }
  errno = error;
}

} // namespace instar
