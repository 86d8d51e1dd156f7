// The least that an HTTP server can do: one thread, one epoll, one fixed answer per request,
// nothing parsed but, where there are several answers, the digit after "GET /" that chooses one.
// What a real server costs on top of it is its own.

#include <CLI/CLI.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <iostream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <unordered_map>
#include <vector>

namespace {

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

int listen_on(std::uint16_t port) {
  int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fail("bind");
  if (::listen(fd, 128) != 0) fail("listen");
  return fd;
}

class null_server {
public:
  null_server(std::uint16_t port, const std::vector<std::size_t>& sizes)
      : epoll_(::epoll_create1(EPOLL_CLOEXEC)), listener_(listen_on(port)) {
    for (auto size : sizes)
      answers_.push_back("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n" +
                         std::string(size, 'x'));
    watch(listener_, EPOLLIN);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 64> events;
    for (;;) {
      int count = ::epoll_wait(epoll_, events.data(), events.size(), -1);
      for (int i = 0; i < count; ++i) {
        const auto& event = events[static_cast<std::size_t>(i)];
        event.data.fd == listener_ ? accept_all() : serve(event.data.fd, event.events);
      }
    }
  }

private:
  void watch(int fd, std::uint32_t events) {
    epoll_event interest{};
    interest.events = events;
    interest.data.fd = fd;
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &interest) != 0) fail("epoll_ctl");
  }

  void accept_all() {
    for (int fd;
         (fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
      int on = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      open_[fd] = {};
      watch(fd, EPOLLIN | EPOLLOUT | EPOLLET);
    }
  }

  struct progress {
    std::size_t answer = 0, unsent = 0;
  };

  /// A client has one request open and it arrives in one piece: what wrk and instar-load do.
  void serve(int fd, std::uint32_t events) {
    auto& now = open_[fd];
    if (events & EPOLLIN) {
      std::array<char, 4096> request;
      auto n = ::recv(fd, request.data(), request.size(), 0);
      if (n == 0 || (n < 0 && errno != EAGAIN)) return end(fd);
      if (n > 5) {
        auto digit = static_cast<std::size_t>(request[5] - '0');
        now.answer = digit < answers_.size() ? digit : 0;
        now.unsent += answers_[now.answer].size();
      }
    }
    const auto& answer = answers_[now.answer];
    while (now.unsent > 0) {
      auto n = ::send(fd, answer.data() + (answer.size() - now.unsent), now.unsent, MSG_NOSIGNAL);
      if (n < 0 && errno == EAGAIN) return;
      if (n < 0) return end(fd);
      now.unsent -= static_cast<std::size_t>(n);
    }
  }

  void end(int fd) {
    open_.erase(fd);
    ::close(fd);
  }

  std::vector<std::string> answers_;
  int epoll_, listener_;
  std::unordered_map<int, progress> open_;
};

} // namespace

int main(int argc, char** argv) {
  std::uint16_t port = 0;
  std::vector<std::size_t> sizes;
  CLI::App app("Answers everything on 127.0.0.1 with a body of the given size; with several sizes, "
               "GET /0... gets the first, GET /1... the second");
  app.add_option("port", port)->required();
  app.add_option("sizes", sizes, "Bytes of the bodies")->required();
  CLI11_PARSE(app, argc, argv);
  try {
    null_server(port, sizes).run();
  } catch (const std::exception& error) {
    std::cerr << "bench-null-server: " << error.what() << "\n";
    return 1;
  }
}
