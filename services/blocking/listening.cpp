#include "services/blocking/listening.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

namespace instar::blocking {

void listening::claim(context& ctx) {
  const bool restored = at_ != nullptr;
  if (!restored) {
    const auto bound = net::bind_socket(where_);
    if (!bound) throw std::runtime_error(bound.error().message);
    at_ = ctx.host<descriptors>().hold(*bound);
  }
  if (::listen(at_->fd(), where_.backlog) != 0)
    throw std::runtime_error("cannot listen on " + net::local_address(at_->fd()) + ": " +
                             std::system_category().message(errno) +
                             "; choose another port, or stop what uses it");
  if (!restored) ctx.log(log_level::info, "listens on " + net::local_address(at_->fd()));
}

/// Which of them is the right one now may have changed, also back to a former one.
void listening::go_on_with(std::shared_ptr<descriptor> kept) {
  if (!kept) return;
  if (!at_ && net::is_bound_to(kept->fd(), where_)) at_ = std::move(kept);
  else leaving_.push_back(std::move(kept));
}

void listening::take_leaving(const std::function<void(int)>& take) {
  while (!leaving_.empty()) {
    for (;;) {
      const int fd = ::accept4(leaving_.back()->fd(), nullptr, nullptr, SOCK_CLOEXEC);
      if (fd >= 0) take(fd);
      else if (errno != EINTR && !is_of_the_peer(errno)) break;
    }
    leaving_.pop_back();
  }
}

bool is_of_the_peer(int error) {
  return error == ECONNABORTED || error == EPROTO || error == ENETDOWN || error == ENETUNREACH ||
         error == EHOSTDOWN || error == EHOSTUNREACH || error == EPERM;
}

} // namespace instar::blocking
