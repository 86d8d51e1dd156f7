#include "services/net/listener.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
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

bool listener::fits(const listen_options& wanted) const {
  return wanted.address == options_.address &&
         (wanted.port == options_.port || wanted.port == port());
}

result<void> listener::listen(int backlog) {
  if (::listen(fd(), backlog) == 0) return {};
  return cannot_listen(options_, errno);
}

} // namespace instar::net
