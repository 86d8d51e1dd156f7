#pragma once

#include "services/net/reactor.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace instar::test {

/// The peer's end of a connection.
class client {
public:
  explicit client(int fd) : fd_(fd) {}
  client(client&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  client& operator=(client&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~client() { close(); }

  int fd() const { return fd_; }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  void send(std::string_view text) const {
    while (!text.empty()) {
      const auto n = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (n < 0) throw std::runtime_error("the service closed the connection");
      text.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  void end() const { ::shutdown(fd_, SHUT_WR); }

  /// What has arrived, at most `limit` bytes, without waiting.
  std::string receive(std::size_t limit = 1 << 20) {
    std::string text(limit, '\0');
    const auto n = ::recv(fd_, text.data(), text.size(), MSG_DONTWAIT);
    if (n == 0) ended_ = true;
    if (n < 0 && errno != EAGAIN) ended_ = true;
    text.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
    return text;
  }
  /// The last `receive` found the end.
  bool ended() const { return ended_; }

private:
  int fd_;
  bool ended_ = false;
};

/// A reactor with a thread that polls it, in place of a service's workers.
class driven_reactor : public net::reactor {
public:
  driven_reactor()
      : thread_([this] {
          while (!stopped_) poll(true);
        }) {}
  ~driven_reactor() override { stop(); }
  void stop() {
    stopped_ = true;
    interrupt();
    if (thread_.joinable()) thread_.join();
  }

private:
  std::atomic<bool> stopped_ = false;
  std::thread thread_;
};

/// A connection of `sockets` and its peer.
struct connected {
  payload_ptr<net::connection> here;
  client peer;
};

inline connected connect(net::reactor& sockets) {
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0)
    throw std::runtime_error("socketpair failed");
  return {sockets.adopt(fds[0]), client(fds[1])};
}

} // namespace instar::test
