#include "actors/thread_context.hpp"

#include "actors/blocking_operator.hpp"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace instar {

namespace {

using steady = std::chrono::steady_clock;

[[noreturn]] void fail(const char* call, int error = errno) {
  throw std::system_error(error, std::generic_category(), call);
}

timespec to_timespec(std::chrono::nanoseconds t) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(t);
  return {static_cast<time_t>(seconds.count()), static_cast<long>((t - seconds).count())};
}

/// Of a descriptor that is no socket: so much can be written at once without waiting for more room
/// than there is when `poll` says that there is some.
std::size_t writable_at_once(int fd, std::size_t size) {
  struct stat about {};
  if (::fstat(fd, &about) == 0 && S_ISREG(about.st_mode)) return size;
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags >= 0 && (flags & O_NONBLOCK)) return size;
  return std::min<std::size_t>(size, PIPE_BUF);
}

/// A socket does not block as long as this lives.
class unblocked {
public:
  explicit unblocked(int fd) : fd_(fd), flags_(::fcntl(fd, F_GETFL)) {
    if (flags_ < 0) fail("connect");
    if (!(flags_ & O_NONBLOCK)) ::fcntl(fd_, F_SETFL, flags_ | O_NONBLOCK);
  }
  ~unblocked() {
    if (!(flags_ & O_NONBLOCK)) ::fcntl(fd_, F_SETFL, flags_);
  }
  unblocked(const unblocked&) = delete;
  unblocked& operator=(const unblocked&) = delete;

private:
  const int fd_, flags_;
};

} // namespace

thread_context::thread_context(blocking_thread& of, std::string name)
    : of_(of), name_(std::move(name)) {}

thread_context::~thread_context() = default;

thread_context::inside::inside(thread_context& of, const char* call, int fd) noexcept
    : thread_(of.of_) {
  thread_.call_fd_.store(fd, std::memory_order_relaxed);
  thread_.call_.store(call, std::memory_order_relaxed);
}

thread_context::inside::~inside() { thread_.call_.store(nullptr, std::memory_order_relaxed); }

void thread_context::check_entry() const {
  if (!of_.must_rest_.load(std::memory_order_acquire)) return;
  std::unique_lock lock(of_.guard_);
  if (of_.must_rest_) come_to_rest(lock);
}

void thread_context::check_wait() const {
  if (!of_.interrupts_.load(std::memory_order_acquire)) return;
  std::unique_lock lock(of_.guard_);
  if (of_.interrupts_) come_to_rest(lock);
}

/// The thread has to rest, or to end. Here, if it may, until the cut has been decided; its operator
/// may have got what was left over meanwhile, so it leaves `run` even so.
void thread_context::come_to_rest(std::unique_lock<std::mutex>& held) const {
  if (of_.may_rest_inside()) {
    of_.waits_ = true;
    if (of_.awaited_ && of_.wish_ == blocking_thread::wish::rest) of_.tell(held);
    of_.changed_.wait(held, [this] { return of_.wish_ != blocking_thread::wish::rest; });
    of_.waits_ = of_.rested_ = false;
  }
  held.unlock();
  throw interrupted{};
}

void thread_context::begin_waiting(const std::unique_lock<std::mutex>&) const {
  of_.waits_ = of_.may_rest_inside();
}

void thread_context::end_waiting(std::unique_lock<std::mutex>& held) const {
  if (!of_.waits_) return;
  if (of_.rested_ || (of_.wish_ == blocking_thread::wish::rest && of_.may_rest_inside()))
    come_to_rest(held);
  of_.waits_ = false;
}

/// What `call` returns, with its errno.
template <class Call>
int thread_context::waiting(Call&& call) const {
  if (of_.rests_ != rest_place::where_it_waits) return call();
  std::unique_lock lock(of_.guard_);
  begin_waiting(lock);
  lock.unlock();
  const int result = call();
  const int error = errno;
  lock.lock();
  end_waiting(lock);
  errno = error;
  return result;
}

// -- the graph ------------------------------------------------------------------------------------

blocking_context::input thread_context::receive() { return *receive_by({}); }

std::optional<blocking_context::input> thread_context::receive_until(steady::time_point until) {
  return receive_by(until);
}

std::optional<blocking_context::input> thread_context::receive_by(const until& end) {
  const inside here(*this, "receive");
  std::unique_lock lock(of_.guard_);
  auto stops = of_.must_rest_.load();
  for (bool late = false;;) {
    if (stops && (of_.waiting_.empty() || !finishes())) come_to_rest(lock);
    if (!of_.waiting_.empty()) return take_oldest(lock);
    if (late) return std::nullopt;
    begin_waiting(lock);
    if (!end) of_.changed_.wait(lock);
    else late = of_.changed_.wait_until(lock, *end) == std::cv_status::timeout;
    end_waiting(lock);
    stops = of_.interrupts_;
  }
}

blocking_context::input thread_context::take_oldest(std::unique_lock<std::mutex>& lock) {
  auto& waiting = of_.waiting_;
  input taken = std::move(waiting.front());
  waiting.pop_front();
  if (of_.full_ && waiting.size() <= blocking_thread::most_waiting / 2) {
    of_.full_ = false;
    of_.tell(lock);
  }
  if (of_.wish_ == blocking_thread::wish::finish && waiting.empty()) {
    of_.want(blocking_thread::wish::rest);
    of_.wake(lock);
  }
  return taken;
}

void thread_context::emit_packet(std::size_t output, packet p) {
  const inside here(*this, "emit");
  std::unique_lock lock(of_.guard_);
  of_.changed_.wait(lock, [this] {
    return of_.must_rest_ || of_.out_.packets.size() < blocking_thread::most_unsent;
  });
  of_.out_.packets.emplace_back(output, std::move(p));
  of_.tell(lock);
}

void thread_context::log(log_level level, std::string_view line) {
  std::unique_lock lock(of_.guard_);
  of_.out_.lines.emplace_back(level, line);
  of_.tell(lock);
}

void thread_context::stop_service(std::string_view reason) {
  std::unique_lock lock(of_.guard_);
  of_.out_.stop = reason;
  of_.tell(lock);
}

void* thread_context::host_resource(std::string_view name) {
  if (of_.about_.resources)
    if (const auto found = of_.about_.resources->find(name); found != of_.about_.resources->end())
      return found->second;
  throw std::runtime_error("operator '" + name_ + "' needs the host resource '" +
                           std::string(name) + "', which this host does not offer");
}

// -- descriptors ----------------------------------------------------------------------------------

/// Until one of the events has come. What has come goes before an interruption: the call that
/// follows does not wait.
void thread_context::wait_for(int fd, short events) {
  pollfd both[2] = {{fd, events, 0}, {of_.wake_fd_, POLLIN, 0}};
  for (;;) {
    const int ready = waiting([&] { return ::poll(both, 2, -1); });
    if (ready < 0 && errno != EINTR) fail("poll");
    if (ready > 0 && both[0].revents) return;
    check_wait();
    if (ready > 0) of_.unwake_poll();
  }
}

std::size_t thread_context::read(int fd, std::span<std::byte> into) {
  const inside here(*this, "read", fd);
  check_entry();
  if (into.empty()) return 0;
  for (;;) {
    auto got = ::recv(fd, into.data(), into.size(), MSG_DONTWAIT);
    if (got < 0 && errno == ENOTSOCK) {
      wait_for(fd, POLLIN);
      const raw_call waits(of_); // another may take what is there before this does
      got = ::read(fd, into.data(), into.size());
    }
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno == EINTR) check_wait();
    else if (errno == EAGAIN || errno == EWOULDBLOCK) wait_for(fd, POLLIN);
    else fail("read");
  }
}

std::size_t thread_context::write(int fd, std::span<const std::byte> from) {
  const inside here(*this, "write", fd);
  if (!finishes()) check_entry();
  if (from.empty()) return 0;
  for (;;) {
    auto put = ::send(fd, from.data(), from.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (put < 0 && errno == ENOTSOCK) {
      wait_for(fd, POLLOUT);
      const raw_call waits(of_);
      put = ::write(fd, from.data(), writable_at_once(fd, from.size())); // SIGPIPE is blocked here
    }
    if (put > 0) return static_cast<std::size_t>(put);
    if (put == 0 || errno == EINTR) check_wait();
    else if (errno == EAGAIN || errno == EWOULDBLOCK) wait_for(fd, POLLOUT);
    else fail("write");
  }
}

int thread_context::accept(int fd) {
  const inside here(*this, "accept", fd);
  check_entry();
  for (;;) {
    wait_for(fd, POLLIN);
    int made = -1;
    {
      const raw_call waits(of_); // another may take the connection before this does
      made = ::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC);
    }
    if (made >= 0) return made;
    switch (errno) {
    case EINTR:
    case EAGAIN:
    case ECONNABORTED: // its client has gone
    case EPROTO:
      check_wait();
      continue;
    default:
      fail("accept");
    }
  }
}

void thread_context::connect(int fd, const sockaddr* to, socklen_t size) {
  const inside here(*this, "connect", fd);
  check_entry();
  const unblocked meanwhile(fd);
  for (;;) {
    if (::connect(fd, to, size) == 0 || errno == EISCONN) return;
    if (errno == EINTR) continue;
    if (errno == EAGAIN && to->sa_family == AF_UNIX) { // too many wait already; nothing tells more
      sleep_for(std::chrono::milliseconds(1));
      continue;
    }
    if (errno != EINPROGRESS && errno != EALREADY) fail("connect");
    wait_for(fd, POLLOUT);
    int error = 0;
    socklen_t length = sizeof error;
    if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0) fail("connect");
    if (error != 0) fail("connect", error);
  }
}

/// Whether packets wait. If not, and `asks`, the thread is woken when some do.
bool thread_context::packet_waits(bool& asks) {
  std::lock_guard lock(of_.guard_);
  const bool some = !of_.waiting_.empty();
  if (some) asks = false;
  of_.polls_ = asks;
  return some;
}

blocking_context::readiness thread_context::poll(std::span<pollfd> fds,
                                                 std::optional<std::chrono::nanoseconds> timeout,
                                                 bool or_packet) {
  const inside here(*this, "poll", fds.empty() ? -1 : fds[0].fd);
  const until end = timeout ? until(steady::now() + *timeout) : until();
  polled_.assign(fds.begin(), fds.end());
  polled_.push_back({of_.wake_fd_, POLLIN, 0});
  bool stops = of_.must_rest_;
  for (;;) {
    bool asks = or_packet;
    const bool packet = or_packet && packet_waits(asks);
    if (stops && !(packet && finishes())) {
      std::unique_lock lock(of_.guard_);
      come_to_rest(lock);
    }
    auto left = std::chrono::nanoseconds(0);
    if (end && !packet) left = std::max(left, std::chrono::nanoseconds(*end - steady::now()));
    const auto limit = to_timespec(left);
    const int ready = waiting([&] {
      return ::ppoll(polled_.data(), polled_.size(), end || packet ? &limit : nullptr, nullptr);
    });
    if (ready < 0 && errno != EINTR) fail("poll");
    const bool woken = ready > 0 && polled_.back().revents != 0;
    const int descriptors = ready > 0 ? ready - woken : 0;
    if (descriptors > 0 || packet || (ready == 0 && end)) {
      for (std::size_t i = 0; i < fds.size(); ++i)
        fds[i].revents = ready > 0 ? polled_[i].revents : short{0};
      return {descriptors, packet};
    }
    if (woken) of_.unwake_poll();
    stops = of_.interrupts_;
  }
}

// -- time, locks, conditions ----------------------------------------------------------------------

void thread_context::sleep_until(steady::time_point until) {
  const inside here(*this, "sleep_until");
  check_entry();
  std::unique_lock lock(of_.guard_);
  begin_waiting(lock);
  const bool stops =
      of_.changed_.wait_until(lock, until, [this] { return of_.interrupts_ || of_.rested_; });
  end_waiting(lock);
  if (stops) come_to_rest(lock);
}

void thread_context::lock(std::mutex& what) {
  constexpr std::chrono::microseconds slice{200}; // no wait for a lock can be woken
  const inside here(*this, "lock");
  check_entry();
  if (what.try_lock()) return;
  for (;;) {
    const auto until = to_timespec((steady::now() + slice).time_since_epoch());
    const int error = pthread_mutex_clocklock(what.native_handle(), CLOCK_MONOTONIC, &until);
    if (error == 0) return;
    if (error != ETIMEDOUT) fail("lock", error);
    check_wait();
  }
}

std::stop_token thread_context::begin_wait() {
  check_entry();
  of_.call_fd_.store(-1, std::memory_order_relaxed);
  of_.call_.store("wait", std::memory_order_relaxed);
  std::lock_guard lock(of_.guard_);
  // An earlier cut, which was given up before the thread came to notice it.
  if (!of_.interrupts_ && of_.stop_.stop_requested()) of_.stop_ = std::stop_source();
  return of_.stop_.get_token();
}

void thread_context::begin_plain() noexcept {
  of_.call_fd_.store(-1, std::memory_order_relaxed);
  of_.call_.store("plain", std::memory_order_relaxed);
  of_.raw_ = true;
}

void thread_context::end_call() noexcept {
  of_.raw_ = false;
  of_.call_.store(nullptr, std::memory_order_relaxed);
}

void thread_context::rest_point() { check_entry(); }

} // namespace instar
