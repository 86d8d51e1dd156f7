#include "apps/clients/connection.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <utility>

namespace instar::clients {

namespace {

constexpr std::size_t longest_line = 64 * 1024;
constexpr std::size_t block = 64 * 1024;

[[noreturn]] void fail(const std::string& what, int error) {
  throw std::runtime_error(
      what + ": " +
      (error == EAGAIN || error == EINPROGRESS
           ? "nothing within " + std::to_string(connection::patience.count()) + " s"
           : std::strerror(error)));
}

void set_options(int fd) {
  const timeval limit{connection::patience.count(), 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/// Returns the connected socket, or -1 with `errno`.
int connect_to(const addrinfo& at) {
  const int fd = ::socket(at.ai_family, at.ai_socktype | SOCK_CLOEXEC, at.ai_protocol);
  if (fd < 0) return -1;
  set_options(fd);
  if (::connect(fd, at.ai_addr, at.ai_addrlen) == 0) return fd;
  const int error = errno;
  ::close(fd);
  errno = error;
  return -1;
}

} // namespace

connection::connection(const std::string& host, std::uint16_t port) {
  const auto place = host + " port " + std::to_string(port);
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (const int wrong = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &wanted, &list);
      wrong != 0)
    throw std::runtime_error("cannot find " + place + ": " + ::gai_strerror(wrong));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> frees_it(list, ::freeaddrinfo);
  for (const auto* at = list; at && fd_ < 0; at = at->ai_next) fd_ = connect_to(*at);
  if (fd_ < 0) fail("cannot connect to " + place, errno);
}

connection::connection(connection&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), ahead_(std::move(other.ahead_)),
      at_(std::exchange(other.at_, 0)) {}

connection& connection::operator=(connection&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(ahead_, other.ahead_);
  std::swap(at_, other.at_);
  return *this;
}

void connection::close() noexcept {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  ahead_.clear();
  at_ = 0;
}

void connection::end() const noexcept { ::shutdown(fd_, SHUT_WR); }

void connection::send(std::string_view text) const {
  while (!text.empty()) {
    const auto n = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("cannot send", errno);
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

/// Receives more; false at the end.
bool connection::fill() {
  if (at_ == ahead_.size()) ahead_.clear(), at_ = 0;
  const auto had = ahead_.size();
  ahead_.resize(had + block);
  ssize_t n = 0;
  do n = ::recv(fd_, ahead_.data() + had, block, 0);
  while (n < 0 && errno == EINTR);
  const int error = errno;
  ahead_.resize(had + static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
  if (n < 0) fail("cannot receive", error);
  return n > 0;
}

std::string connection::line() {
  while (true) {
    const auto end = ahead_.find('\n', at_);
    if (end != std::string::npos) {
      auto text = ahead_.substr(at_, end - at_);
      at_ = end + 1;
      if (!text.empty() && text.back() == '\r') text.pop_back();
      return text;
    }
    if (ahead_.size() - at_ > longest_line) throw std::runtime_error("a line has more than 64 KiB");
    if (!fill()) throw std::runtime_error("the connection was closed within a line");
  }
}

std::string connection::read(std::size_t size) {
  std::string text(size, '\0');
  read(std::span(text.data(), text.size()));
  return text;
}

void connection::read(std::span<char> into) {
  while (!into.empty()) {
    if (at_ == ahead_.size() && !fill())
      throw std::runtime_error("the connection was closed, " + std::to_string(into.size()) +
                               " bytes too early");
    const auto taken = std::min(into.size(), ahead_.size() - at_);
    std::memcpy(into.data(), ahead_.data() + at_, taken);
    at_ += taken;
    into = into.subspan(taken);
  }
}

std::string connection::some() {
  if (at_ == ahead_.size() && !fill()) return {};
  auto text = ahead_.substr(at_);
  ahead_.clear();
  at_ = 0;
  return text;
}

void connection::expect_end() {
  if (const auto more = some(); !more.empty())
    throw std::runtime_error("instead of the end came '" + more.substr(0, 40) + "'");
}

} // namespace instar::clients
