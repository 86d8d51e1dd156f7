#include "services/net/outgoing.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

namespace instar::net {

namespace {

failure no_remote(std::string_view entry, std::string_view cause, std::string_view remedy) {
  return {errc::bad_input, "cannot connect to '" + std::string(entry) + "': " + std::string(cause) +
                               "; " + std::string(remedy)};
}

result<remote> find_remote(std::string_view entry) {
  constexpr std::string_view example = "write HOST:PORT, for example 127.0.0.1:8080 or [::1]:80";
  const auto colon = entry.rfind(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == entry.size())
    return no_remote(entry, "it has no host or no port", example);
  auto host = std::string(entry.substr(0, colon));
  const auto port = std::string(entry.substr(colon + 1));
  if (host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  else if (host.find(':') != std::string::npos)
    return no_remote(entry, "it has several colons", example);
  const bool number = port.size() <= 5 && port.find_first_not_of("0123456789") == port.npos;
  if (!number || std::stoul(port) == 0 || std::stoul(port) > 65535)
    return no_remote(entry, "its port is no number from 1 to 65535", example);

  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found); error != 0)
    return no_remote(entry, ::gai_strerror(error), "give a name that is known here, or an address");
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> freed(found, &::freeaddrinfo);
  remote made;
  made.text = entry;
  made.size = found->ai_addrlen;
  std::memcpy(&made.address, found->ai_addr, found->ai_addrlen);
  return made;
}

} // namespace

result<std::vector<remote>> find_remotes(std::string_view list) {
  std::vector<remote> all;
  while (true) {
    list.remove_prefix(std::min(list.find_first_not_of(" \t\n"), list.size()));
    if (list.empty()) break;
    const auto entry = list.substr(0, list.find_first_of(" \t\n"));
    list.remove_prefix(entry.size());
    auto one = find_remote(entry);
    if (!one) return one.error();
    if (std::find(all.begin(), all.end(), *one) == all.end()) all.push_back(*std::move(one));
  }
  if (all.empty())
    return no_remote({}, "nobody is named", "write HOST:PORT, several with spaces between");
  return all;
}

outgoing::~outgoing() = default;

int outgoing::connect_error() const noexcept {
  pollfd one{fd(), POLLOUT, 0};
  if (::poll(&one, 1, 0) == 0) return EINPROGRESS;
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(fd(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
  return error;
}

bool outgoing::quiet() const noexcept {
  char byte;
  return ::recv(fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
         (errno == EAGAIN || errno == EWOULDBLOCK);
}

int begin_connecting(const remote& to) noexcept {
  const int fd = ::socket(to.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&to.address), to.size) == 0 ||
      errno == EINPROGRESS)
    return fd;
  const int error = errno;
  ::close(fd);
  return -error;
}

} // namespace instar::net
