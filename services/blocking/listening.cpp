#include "services/blocking/listening.hpp"

#include "services/net/endpoint.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

namespace instar::blocking {

namespace {

net::listen_options options_of(const settings& values) {
  const auto port = values.integer("port");
  if (port < 0 || port > 65535)
    throw std::invalid_argument("port: " + std::to_string(port) +
                                " is none; give one from 0 (any free one) to 65535");
  net::listen_options o;
  o.address = values.text("address");
  o.port = static_cast<std::uint16_t>(port);
  return o;
}

} // namespace

listening::listening(const settings& values) : where_(options_of(values)) {}

void listening::open(descriptors& all) {
  if (at_) return;
  const auto bound = net::bind_socket(where_);
  if (!bound) throw std::runtime_error(bound.error().message);
  if (::listen(*bound, where_.backlog) != 0) {
    const int error = errno;
    ::close(*bound);
    throw std::runtime_error("cannot listen on " + where_.address + " port " +
                             std::to_string(where_.port) + ": " + std::strerror(error));
  }
  at_ = all.hold(*bound);
}

void listening::restore(descriptors& all, std::uint64_t id) {
  auto kept = all.find(id);
  if (!kept) return;
  const auto is = net::local_address(kept->fd());
  const auto colon = is.rfind(':');
  auto host = is.substr(0, colon);
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  const bool right_port = where_.port == 0 || is.substr(colon + 1) == std::to_string(where_.port);
  if (host == where_.address && right_port) {
    at_ = std::move(kept);
    return;
  }
  // That the new address can be had must be certain before the old one goes.
  former_ = std::move(kept);
  open(all);
}

void listening::former(const std::function<void(int)>& take) {
  if (!former_) return;
  for (int fd; (fd = ::accept4(former_->fd(), nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) take(fd);
  former_.reset();
}

} // namespace instar::blocking
