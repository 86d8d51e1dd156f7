#include "actors/blocking_thread.hpp"

#include "actors/blocking_operator.hpp"
#include "actors/call_stack.hpp"
#include "actors/thread_context.hpp"
#include "actors/thrown_text.hpp"

#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <iterator>
#include <system_error>
#include <typeinfo>

namespace instar {

namespace {

/// How often what a thread may be blocked in is interrupted again.
constexpr std::chrono::milliseconds nudge_interval{1};

/// A thread's first exception touches pages of its stack that it has not had before, and takes ten
/// times as long as the next: 50 us, for which a cut would have to wait.
void warm_up() {
  volatile char stack[32 * 1024];
  for (std::size_t i = 0; i < sizeof stack; i += 4096) stack[i] = 0;
  try {
    throw interrupted{};
  } catch (const interrupted&) {
  }
}

} // namespace

blocking_thread::blocking_thread(rest_place rests) : rests_(rests) {}

blocking_thread::~blocking_thread() {
  // Whoever destroys operators has asked them before (`at_end`): mostly there is no thread here.
  end(std::chrono::seconds(10));
  if (wake_fd_ >= 0) ::close(wake_fd_);
}

void blocking_thread::start(blocking_operator& of, facts about) {
  thread_signals::install();
  operator_ = &of;
  about_ = std::move(about);
  wake_fd_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  const thread_signals::all_blocked none_before_it_is_ready;
  thread_ = std::thread([this] { loop(); });
}

// -- the thread -----------------------------------------------------------------------------------

void blocking_thread::loop() {
  signals_.enter();
  warm_up();
  std::unique_lock lock(guard_);
  for (;;) {
    step_ = step::resting;
    if ((wish_ == wish::rest && awaited_) || failed_) tell(lock);
    changed_.wait(lock, [this] { return wish_ == wish::end || may_run(); });
    if (wish_ == wish::end) break;
    begin_run();
    auto name = about_.name;
    lock.unlock();
    const bool returned = call(std::move(name));
    lock.lock();
    if (returned) drop_all(lock);
  }
  lock.unlock();
  signals_.leave();
  lock.lock();
  step_ = step::gone;
  gone_.notify_all();
}

/// Nobody will take what waits.
void blocking_thread::drop_all(std::unique_lock<std::mutex>& lock) {
  over_ = true;
  waiting_.clear();
  if (std::exchange(full_, false)) tell(lock);
}

bool blocking_thread::may_run() const {
  return (wish_ == wish::run || wish_ == wish::finish) && !over_ && !failed_;
}

bool blocking_thread::interruptible() const { return rests_ != rest_place::at_next_call; }

/// If nothing is saved, it has to finish what need not wait.
bool blocking_thread::may_rest_inside() const {
  return rests_ == rest_place::where_it_waits && !removed_;
}

void blocking_thread::begin_run() {
  step_ = step::running;
  waits_ = rested_ = false;
  if (stop_.stop_requested()) stop_ = std::stop_source();
  pthread_setname_np(pthread_self(), about_.name.substr(0, 15).c_str());
  call_.store(nullptr, std::memory_order_relaxed);
}

/// Returns whether `run` has returned.
bool blocking_thread::call(std::string name) {
  thread_context ctx(*this, std::move(name));
  try {
    operator_->run(ctx);
    return true;
  } catch (const interrupted&) {
    return false;
  } catch (...) {
    auto text = thrown_text(); // the exception may be of a module's type
    std::lock_guard lock(guard_);
    thrown_ = std::move(text);
    failed_ = true;
    return false;
  }
}

/// Tells the actor that there is something for it. The lock is released for a moment.
void blocking_thread::tell(std::unique_lock<std::mutex>& lock) {
  if (std::exchange(told_, true)) return;
  lock.unlock();
  about_.events->post(event{});
  lock.lock();
}

// -- what the thread is to do ---------------------------------------------------------------------

void blocking_thread::want(wish w) {
  wish_ = w;
  const bool rests = w == wish::rest || w == wish::end;
  must_rest_ = rests;
  interrupts_ = w == wish::end || (rests && interruptible());
}

/// After `want`. The lock is released first: whoever is woken takes it.
void blocking_thread::wake(std::unique_lock<std::mutex>& lock) {
  const bool interrupts = interrupts_, leaves = rested_;
  auto stop = interrupts ? stop_ : std::stop_source(std::nostopstate);
  lock.unlock();
  changed_.notify_all();
  if (interrupts || leaves) wake_poll();
  if (!interrupts) return;
  stop.request_stop();
  nudge();
}

void blocking_thread::nudge() {
  if (interrupts_ && raw_) signals_.interrupt();
}

void blocking_thread::wake_poll() noexcept {
  const std::uint64_t one = 1;
  while (::write(wake_fd_, &one, sizeof one) < 0 && errno == EINTR) {
  }
}

/// What woke the wrapper has been looked at, unless that interrupts it: then all others are woken
/// as well.
void blocking_thread::unwake_poll() {
  std::lock_guard lock(guard_);
  std::uint64_t all = 0;
  if (!interrupts_)
    while (::read(wake_fd_, &all, sizeof all) < 0 && errno == EINTR) {
    }
}

// -- packets --------------------------------------------------------------------------------------

std::size_t blocking_thread::give(std::vector<input>& packets) {
  std::unique_lock lock(guard_);
  if (over_) packets.clear();
  const bool polled = !packets.empty() && std::exchange(polls_, false);
  std::move(packets.begin(), packets.end(), std::back_inserter(waiting_));
  packets.clear();
  full_ = waiting_.size() >= most_waiting;
  const auto room = full_ ? 0 : most_waiting - waiting_.size();
  // Those before it cannot reach their cuts while it takes nothing: see begin_to_rest.
  if (full_ && wish_ == wish::rest) want(wish::finish);
  wake(lock);
  if (polled) wake_poll();
  return room;
}

std::size_t blocking_thread::room() const {
  std::lock_guard lock(guard_);
  return full_ ? 0 : most_waiting - waiting_.size();
}

blocking_thread::outbox blocking_thread::take() {
  std::unique_lock lock(guard_);
  told_ = false;
  auto taken = std::exchange(out_, {});
  lock.unlock();
  changed_.notify_all(); // `emit` may wait for it
  return taken;
}

std::optional<blocking_thread::failure_of_run> blocking_thread::take_failure() {
  std::lock_guard lock(guard_);
  if (!thrown_) return std::nullopt;
  told_ = true; // until the packets have come back
  failure_of_run made{*std::move(thrown_), std::move(waiting_)};
  thrown_.reset();
  waiting_.clear();
  return made;
}

void blocking_thread::go_on_after_failure(std::deque<input> waiting) {
  std::lock_guard lock(guard_);
  waiting_.insert(waiting_.begin(), std::make_move_iterator(waiting.begin()),
                  std::make_move_iterator(waiting.end()));
  full_ = waiting_.size() >= most_waiting;
  failed_ = false;
  changed_.notify_all();
}

// -- coming to rest -------------------------------------------------------------------------------

void blocking_thread::begin_to_rest() {
  std::unique_lock lock(guard_);
  if (wish_ != wish::run) return;
  want(full_ ? wish::finish : wish::rest);
  if (!waits_) wake(lock);
}

bool blocking_thread::rest(cut_purpose purpose) {
  std::unique_lock lock(guard_);
  removed_ = purpose == cut_purpose::removal;
  awaited_ = true;
  const bool anew = wish_ == wish::run;
  if (anew) want(wish::rest);
  const bool inside = waits_ && may_rest_inside();
  const bool still = (step_ == step::resting || inside) && (wish_ == wish::rest || over_);
  const bool rests = still && !told_ && !failed_;
  rested_ |= rests && inside;
  if (anew && !inside) wake(lock);
  return rests;
}

blocking_thread::input* blocking_thread::oldest() {
  std::lock_guard lock(guard_);
  return waiting_.empty() ? nullptr : &waiting_.front();
}

void blocking_thread::drop_oldest() {
  std::lock_guard lock(guard_);
  waiting_.pop_front();
  if (waiting_.empty()) full_ = false;
}

void blocking_thread::finish_waiting() {
  std::unique_lock lock(guard_);
  want(wish::finish);
  wake(lock);
}

void blocking_thread::go_on(std::string name) {
  std::unique_lock lock(guard_);
  about_.name = std::move(name);
  removed_ = awaited_ = false;
  if (wish_ == wish::end) return;
  want(wish::run);
  wake(lock);
}

bool blocking_thread::end(std::chrono::nanoseconds patience) {
  std::unique_lock lock(guard_);
  if (!thread_.joinable()) return true;
  removed_ = false; // nothing is finished any more
  want(wish::end);
  wake(lock);
  lock.lock();
  const auto until = std::chrono::steady_clock::now() + patience;
  while (!gone_.wait_for(lock, nudge_interval, [this] { return step_ == step::gone; })) {
    if (std::chrono::steady_clock::now() >= until) return false;
    nudge();
  }
  lock.unlock();
  thread_.join();
  return true;
}

// -- where it is ----------------------------------------------------------------------------------

namespace {

/// The frames of the operator's own code; a wrapper stands for all that it calls.
std::vector<std::string> shown(std::vector<std::string> names, const blocking_operator& of) {
  const auto starts = [](const char* with) {
    return [with](const std::string& name) { return name.starts_with(with); };
  };
  names.erase(std::find_if(names.begin(), names.end(), starts("blocking_thread::")), names.end());
  for (const std::string wrapper : {"thread_context::", "blocking_context::"}) {
    const auto last = std::find_if(names.rbegin(), names.rend(), starts(wrapper.c_str()));
    if (last == names.rend()) continue;
    last->erase(0, wrapper.size());
    names.erase(names.begin(), last.base() - 1);
  }
  // The outermost is known, whatever its file says of it.
  if (!names.empty() && names.back().find("+0x") != std::string::npos)
    names.back() = type_name(typeid(of)) + "::run";
  return names;
}

} // namespace

std::string blocking_thread::where() const {
  std::string text;
  {
    std::lock_guard lock(guard_);
    if (const auto packets = waiting_.size(); packets > 0)
      text = "has " + std::to_string(packets) + (packets == 1 ? " packet" : " packets") +
             " to take and ";
  }
  text += "is ";
  if (const char* call = call_) {
    const int fd = call_fd_;
    text += "in " + std::string(call) +
            (fd >= 0 ? " on descriptor " + std::to_string(fd) : std::string());
  } else {
    text += "in code that calls no wrapper";
  }
  const auto names = shown(call_stack(signals_.where()), *operator_);
  for (std::size_t i = 0; i < names.size(); ++i) text += (i == 0 ? ": " : " < ") + names[i];
  return text;
}

} // namespace instar
