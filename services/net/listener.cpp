#include "services/net/listener.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace instar::net {

namespace {

struct socket_address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

bool parse_address(const listen_options& from, socket_address& into) {
  auto& v4 = reinterpret_cast<sockaddr_in&>(into.storage);
  if (inet_pton(AF_INET, from.address.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(from.port);
    into.size = sizeof v4;
    return true;
  }
  auto& v6 = reinterpret_cast<sockaddr_in6&>(into.storage);
  if (inet_pton(AF_INET6, from.address.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(from.port);
    into.size = sizeof v6;
    return true;
  }
  return false;
}

bool same(const sockaddr_storage& one, const sockaddr_storage& other, bool any_port) {
  if (one.ss_family != other.ss_family) return false;
  if (one.ss_family == AF_INET) {
    const auto& a = reinterpret_cast<const sockaddr_in&>(one);
    const auto& b = reinterpret_cast<const sockaddr_in&>(other);
    return a.sin_addr.s_addr == b.sin_addr.s_addr && (any_port || a.sin_port == b.sin_port);
  }
  const auto& a = reinterpret_cast<const sockaddr_in6&>(one);
  const auto& b = reinterpret_cast<const sockaddr_in6&>(other);
  return std::memcmp(&a.sin6_addr, &b.sin6_addr, sizeof a.sin6_addr) == 0 &&
         (any_port || a.sin6_port == b.sin6_port);
}

std::string place(const listen_options& of) {
  return of.address + " port " + std::to_string(of.port);
}

failure cannot_listen(const listen_options& at, int error) {
  const char* remedy = error == EADDRINUSE      ? "; choose another port, or stop what uses it"
                       : error == EACCES        ? "; choose a port above 1023"
                       : error == EADDRNOTAVAIL ? "; choose an address of this machine"
                                                : "";
  return {errc::system, "cannot listen on " + place(at) + ": " + std::strerror(error) + remedy};
}

} // namespace

listen_options listen_options_of(const settings& values) {
  const auto port = values.integer("port");
  if (port < 0 || port > 65535)
    throw std::invalid_argument("port " + std::to_string(port) +
                                " does not exist; give 0 to 65535");
  listen_options o{values.text("address"), static_cast<std::uint16_t>(port)};
  if (values.all().count("backlog"))
    o.backlog = static_cast<int>(std::clamp<std::int64_t>(values.integer("backlog"), 1, 1 << 20));
  return o;
}

bool is_bound_to(int fd, const listen_options& wanted) {
  socket_address address;
  sockaddr_storage is{};
  socklen_t size = sizeof is;
  return parse_address(wanted, address) &&
         ::getsockname(fd, reinterpret_cast<sockaddr*>(&is), &size) == 0 &&
         same(is, address.storage, wanted.port == 0);
}

result<int> bind_socket(const listen_options& options, const listener* replaced) {
  socket_address address;
  if (!parse_address(options, address))
    return failure{errc::bad_input,
                   "cannot listen on '" + options.address +
                       "': not a numeric address; give one such as 127.0.0.1 or ::"};
  const int fd = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return cannot_listen(options, errno);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (replaced && options.port != 0 && replaced->port() == options.port) {
    // Both have to say so, and others do not: a second service on the port is still refused.
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    ::setsockopt(replaced->fd(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  }
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.size) == 0) return fd;
  const int error = errno;
  ::close(fd);
  return cannot_listen(options, error);
}

listener::listener(int fd, std::uint64_t id, listen_options options)
    : endpoint(fd, id), options_(std::move(options)) {}

std::uint16_t listener::port() const {
  const auto text = address();
  const auto colon = text.rfind(':');
  return colon == std::string::npos
             ? 0
             : static_cast<std::uint16_t>(std::stoul(text.substr(colon + 1)));
}

result<void> listener::listen(int backlog) {
  if (::listen(fd(), backlog) == 0) return {};
  return cannot_listen(options_, errno);
}

} // namespace instar::net
