#include "connection.hpp"

#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace instar::load {

bool connection::open(const sockaddr_in& to, int epoll, std::uint64_t tag) {
  close();
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return false;
  int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  epoll_event interest{};
  interest.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  interest.data.u64 = tag;
  const auto* address = reinterpret_cast<const sockaddr*>(&to);
  bool begun = ::connect(fd_, address, sizeof to) == 0 || errno == EINPROGRESS;
  if (begun && ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd_, &interest) == 0) return true;
  close();
  return false;
}

void connection::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

int connection::error() const {
  int value = 0;
  socklen_t size = sizeof value;
  ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &value, &size);
  return value;
}

connection::io connection::send(std::string_view bytes, std::size_t& sent) {
  auto n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  sent = n > 0 ? static_cast<std::size_t>(n) : 0;
  if (n >= 0) return io::some;
  return errno == EAGAIN || errno == EINTR ? io::would_block : io::broken;
}

connection::io connection::receive(char* to, std::size_t room, std::size_t& got) {
  auto n = ::recv(fd_, to, room, 0);
  got = n > 0 ? static_cast<std::size_t>(n) : 0;
  if (n > 0) return io::some;
  if (n == 0) return io::ended;
  return errno == EAGAIN || errno == EINTR ? io::would_block : io::broken;
}

} // namespace instar::load
