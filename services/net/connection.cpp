#include "services/net/connection.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

namespace instar::net {

namespace {

std::string to_string(const sockaddr_storage& address) {
  char text[INET6_ADDRSTRLEN] = {};
  if (address.ss_family == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &in.sin_addr, text, sizeof text);
    return std::string(text) + ":" + std::to_string(ntohs(in.sin_port));
  }
  if (address.ss_family == AF_INET6) {
    const auto& in = reinterpret_cast<const sockaddr_in6&>(address);
    inet_ntop(AF_INET6, &in.sin6_addr, text, sizeof text);
    return "[" + std::string(text) + "]:" + std::to_string(ntohs(in.sin6_port));
  }
  return {};
}

template <class Get>
std::string address_of(int fd, Get get) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (get(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
  return to_string(address);
}

} // namespace

endpoint::~endpoint() {
  if (fd_ >= 0) ::close(fd_);
}

std::string local_address(int fd) { return address_of(fd, ::getsockname); }
std::string peer_address(int fd) { return address_of(fd, ::getpeername); }

std::uint32_t coarse_seconds() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return static_cast<std::uint32_t>(now.tv_sec);
}

std::uint64_t steady_nanoseconds() noexcept {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::nanoseconds(since).count());
}

std::uint32_t whole_seconds(std::chrono::nanoseconds time) noexcept {
  constexpr std::int64_t most = 0x7fffffff;
  return static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(std::chrono::ceil<std::chrono::seconds>(time).count(), 1, most));
}

connection::connection(int fd, std::uint64_t id, std::shared_ptr<std::atomic<std::size_t>> live,
                       std::shared_ptr<const void> place, bool surplus)
    : endpoint(fd, id), live_(std::move(live)), place_(std::move(place)), surplus_(surplus),
      active_(coarse_seconds()) {
  live_->fetch_add(1, std::memory_order_relaxed);
}

connection::~connection() { live_->fetch_sub(1, std::memory_order_relaxed); }

void connection::finish() noexcept {
  finished_.store(true, std::memory_order_release);
  ::shutdown(fd(), SHUT_WR);
}

void connection::abort() noexcept {
  finished_.store(true, std::memory_order_release);
  ::shutdown(fd(), SHUT_RDWR);
}

void open_request::lost() noexcept {
  on_->close_request();
  on_->abort();
}

} // namespace instar::net
