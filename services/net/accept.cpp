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

} // namespace

accept::accept(const settings& values)
    : options_(listen_options_of(values)),
      max_connections_(
          static_cast<std::size_t>(std::max<std::int64_t>(1, values.integer("max_connections")))),
      max_refused_(
          static_cast<std::size_t>(std::max<std::int64_t>(0, values.integer("max_refused")))),
      max_per_address_(
          static_cast<std::size_t>(std::max<std::int64_t>(0, values.integer("max_per_address")))) {}

void accept::on_start(context& ctx) {
  if (!registered_) {
    start(ctx);
  } else if (auto done = listener_->listen(options_.backlog); !done) {
    ctx.log(log_level::warning, done.error().message); // goes on with the backlog that it has
  }
  accept_all(ctx); // whatever was restored, a pause of the old version must not last
}

void accept::start(context& ctx) {
  if (auto done = listener_->listen(options_.backlog); !done)
    return ctx.stop_service(done.error().message);
  registered_ = ctx.host<reactor>().watch(listener_, interest::reads, ctx.events());
  ctx.log(log_level::info, "listens on " + listener_->address());
}

void accept::on_events(context& ctx, std::span<event>) { accept_all(ctx); }

void accept::on_timer(context& ctx, std::uint64_t) {
  paused_ = false;
  accept_all(ctx);
}

void accept::accept_all(context& ctx) {
  if (!registered_ || paused_) return;
  while (!leaving_.empty()) {
    const auto at = leaving_.back().as<listener>();
    const auto end = accept_from(ctx, *at);
    if (end == outcome::paused) return pause(ctx);
    if (end == outcome::more_wait) return post(ctx, at);
    leaving_.pop_back();
  }
  const auto end = accept_from(ctx, *listener_);
  if (end == outcome::paused) pause(ctx);
  else if (end == outcome::more_wait) post(ctx, listener_); // others get their turn first
}

void accept::post(context& ctx, const payload_ptr<listener>& at) {
  if (at->raise(ready::readable)) ctx.events()->post({at, ready::readable});
}

accept::outcome accept::accept_from(context& ctx, listener& at) {
  auto& sockets = ctx.host<reactor>();
  at.take_raised();
  for (int i = 0; i < accepted_at_once;) {
    const auto connections = sockets.connections();
    if (connections >= max_connections_ + max_refused_) return outcome::paused;
    sockaddr_storage from{};
    socklen_t from_size = sizeof from;
    const int fd = ::accept4(at.fd(), reinterpret_cast<sockaddr*>(&from), &from_size,
                             SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EAGAIN) return outcome::none_waits;
      if (errno == EINTR || errno == ECONNABORTED) continue;
      const int error = errno;
      const char* remedy = error == EMFILE ? "; raise the limit of open files (ulimit -n)" : "";
      complain(ctx, std::string("cannot accept connections now, keeps trying: ") +
                        std::strerror(error) + remedy);
      return outcome::paused;
    }
    ++i;
    std::shared_ptr<const void> place;
    if (max_per_address_ > 0 && !(place = sockets.addresses().take(from, max_per_address_))) {
      ::close(fd);
      complain(ctx, "a client has more than " + std::to_string(max_per_address_) +
                        " connections, further ones are closed; max_per_address sets the limit");
      continue;
    }
    const bool surplus = connections >= max_connections_;
    if (surplus)
      complain(ctx, "there are more than " + std::to_string(max_connections_) +
                        " connections, further ones are refused; max_connections sets the limit");
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    auto made = sockets.adopt(fd, std::move(place), surplus);
    const auto key = made->id();
    ctx.emit(out, std::move(made), key);
  }
  return outcome::more_wait;
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
  auto state = into.init<AcceptState>();
  if (!registered_ || into.purpose() != save_purpose::hand_over) return;
  state.setListener(listener_->id());
  auto leaving = state.initLeaving(static_cast<unsigned>(leaving_.size()));
  unsigned i = 0;
  for (const auto& one : leaving_) leaving.set(i++, one->id());
}

void accept::restore(context& ctx, state_reader& from) {
  auto& sockets = ctx.host<reactor>();
  const auto state = from.root<AcceptState>();
  // Which of them is the right one now may have changed, also back to a former one.
  const auto take = [&](std::uint64_t id) {
    auto kept = sockets.find(id);
    auto old = kept.as<listener>();
    if (!old) return;
    if (!listener_ && old->fits(options_)) {
      listener_ = std::move(old);
      registered_ = std::move(kept);
    } else {
      leaving_.push_back(std::move(kept));
    }
  };
  for (const auto id : state.getLeaving()) take(id);
  take(state.getListener());
}

/// That the new address can be had must be certain before the old one goes.
void accept::claim(context& ctx) {
  if (listener_) return;
  const auto replaced = leaving_.empty() ? nullptr : leaving_.back().as<listener>();
  auto bound = ctx.host<reactor>().bind(options_, replaced.get());
  if (!bound) throw std::runtime_error(bound.error().message);
  listener_ = *std::move(bound);
}

} // namespace instar::net
