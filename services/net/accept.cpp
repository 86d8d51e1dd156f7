#include "services/net/accept.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

namespace instar::net {

namespace {

constexpr int accepted_at_once = 64;
constexpr std::chrono::milliseconds pause_time{20};
constexpr std::uint32_t quiet_seconds = 10; // between complaints

listen_options options_of(const settings& values) {
  const auto port = values.integer("port");
  if (port < 0 || port > 65535)
    throw std::invalid_argument("port " + std::to_string(port) +
                                " does not exist; give 0 to 65535");
  return {values.text("address"), static_cast<std::uint16_t>(port),
          static_cast<int>(std::clamp<std::int64_t>(values.integer("backlog"), 1, 1 << 20))};
}

} // namespace

accept::accept(const settings& values)
    : options_(options_of(values)),
      max_connections_(
          static_cast<std::size_t>(std::max<std::int64_t>(1, values.integer("max_connections")))),
      max_per_address_(
          static_cast<std::size_t>(std::max<std::int64_t>(0, values.integer("max_per_address")))) {}

void accept::on_start(context& ctx) {
  if (registered_) return accept_all(ctx); // restored; a pause of the old version must not last
  auto& sockets = ctx.host<reactor>();
  if (!listener_) {
    auto bound = sockets.bind(options_);
    if (!bound) return ctx.stop_service(bound.error().message);
    listener_ = *std::move(bound);
  }
  if (auto done = listener_->listen(); !done) return ctx.stop_service(done.error().message);
  registered_ = sockets.watch(listener_, interest::reads, ctx.events());
  ctx.log(log_level::info, "listens on " + listener_->address());
}

void accept::on_events(context& ctx, std::span<event>) { accept_all(ctx); }

void accept::on_timer(context& ctx, std::uint64_t) {
  paused_ = false;
  accept_all(ctx);
}

void accept::accept_all(context& ctx) {
  if (!registered_ || paused_) return;
  auto& sockets = ctx.host<reactor>();
  listener_->take_raised();
  for (int i = 0; i < accepted_at_once;) {
    if (sockets.connections() >= max_connections_) return pause(ctx);
    sockaddr_storage from{};
    socklen_t from_size = sizeof from;
    const int fd = ::accept4(listener_->fd(), reinterpret_cast<sockaddr*>(&from), &from_size,
                             SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EAGAIN) return;
      if (errno == EINTR || errno == ECONNABORTED) continue;
      const int error = errno;
      const char* remedy = error == EMFILE ? "; raise the limit of open files (ulimit -n)" : "";
      complain(ctx, std::string("cannot accept connections now, keeps trying: ") +
                        std::strerror(error) + remedy);
      return pause(ctx);
    }
    ++i;
    std::shared_ptr<const void> place;
    if (max_per_address_ > 0 && !(place = sockets.addresses().take(from, max_per_address_))) {
      ::close(fd);
      complain(ctx, "a client has more than " + std::to_string(max_per_address_) +
                        " connections, further ones are closed; max_per_address sets the limit");
      continue;
    }
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    auto made = sockets.adopt(fd, std::move(place));
    const auto key = made->id();
    ctx.emit(out, std::move(made), key);
  }
  // More may wait: others get their turn first.
  if (listener_->raise(ready::readable)) ctx.events()->post({listener_, ready::readable});
}

void accept::complain(context& ctx, const std::string& what) {
  const auto now = coarse_seconds();
  if (complained_ != 0 && now - complained_ < quiet_seconds) return;
  complained_ = now;
  ctx.log(log_level::warning, what);
}

/// The socket tells only once of what waits, so what was left waiting has to be asked for.
void accept::pause(context& ctx) {
  paused_ = true;
  ctx.set_timer(pause_time, 0);
}

void accept::save(state_writer& into) const {
  const bool kept = registered_ && into.purpose() == save_purpose::hand_over;
  into.init<AcceptState>().setListener(kept ? listener_->id() : 0);
}

void accept::restore(context& ctx, state_reader& from) {
  auto& sockets = ctx.host<reactor>();
  if (auto kept = sockets.find(from.root<AcceptState>().getListener())) {
    auto old = kept.as<listener>();
    if (old && old->options() == options_) {
      listener_ = std::move(old);
      registered_ = std::move(kept);
      return;
    }
  }
  // Another address was asked for: that it can be had must be certain before the old one goes.
  auto bound = sockets.bind(options_);
  if (!bound) throw std::runtime_error(bound.error().message);
  listener_ = *std::move(bound);
}

} // namespace instar::net
