#include "apps/instard/events.hpp"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

namespace instar::instard {

void event_queue::post(daemon_event e) {
  {
    std::lock_guard lock(guard_);
    events_.push_back(std::move(e));
  }
  filled_.notify_one();
}

daemon_event event_queue::wait() {
  std::unique_lock lock(guard_);
  filled_.wait(lock, [this] { return !events_.empty(); });
  auto first = std::move(events_.front());
  events_.pop_front();
  return first;
}

signal_watch::signal_watch(event_queue& into) {
  std::signal(SIGPIPE, SIG_IGN);
  sigset_t wanted;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGTERM);
  sigaddset(&wanted, SIGINT);
  pthread_sigmask(SIG_BLOCK, &wanted, nullptr);
  fd_ = ::signalfd(-1, &wanted, SFD_CLOEXEC);
  stop_ = ::eventfd(0, EFD_CLOEXEC);
  if (fd_ < 0 || stop_ < 0)
    throw std::system_error(errno, std::generic_category(), "cannot wait for signals");
  thread_ = std::thread([this, &into] {
    pollfd waited[] = {{fd_, POLLIN, 0}, {stop_, POLLIN, 0}};
    while (::poll(waited, 2, -1) >= 0 || errno == EINTR) {
      if (waited[1].revents) return;
      signalfd_siginfo info{};
      if (waited[0].revents && ::read(fd_, &info, sizeof info) == sizeof info)
        into.post(signal_event{static_cast<int>(info.ssi_signo)});
    }
  });
}

signal_watch::~signal_watch() {
  const std::uint64_t one = 1;
  if (::write(stop_, &one, sizeof one) == sizeof one) thread_.join();
  ::close(fd_);
  ::close(stop_);
}

} // namespace instar::instard
