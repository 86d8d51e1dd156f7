#include "services/blocking/accept.hpp"

#include "services/net/endpoint.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <stdexcept>
#include <utility>

namespace instar::blocking {

namespace {

/// Until it is looked again whether there is room, or whether the system has some.
constexpr std::chrono::milliseconds pause_time{20};

net::listen_options options_of(const settings& values) {
  const auto port = values.integer("port");
  if (port < 0 || port > 65535)
    throw std::invalid_argument("port " + std::to_string(port) +
                                " does not exist; give 0 to 65535");
  return {values.text("address"), static_cast<std::uint16_t>(port),
          static_cast<int>(std::clamp<std::int64_t>(values.integer("backlog"), 1, 1 << 20))};
}

std::uint16_t port_of(int socket) {
  const auto text = net::local_address(socket);
  const auto colon = text.rfind(':');
  return colon == std::string::npos
             ? 0
             : static_cast<std::uint16_t>(std::stoul(text.substr(colon + 1)));
}

template <class Builder>
void write_ids(Builder into, const std::vector<std::uint64_t>& ids) {
  for (unsigned i = 0; i < ids.size(); ++i) into.set(i, ids[i]);
}

/// Errors that say nothing of the next connection.
bool is_of_the_peer(int error) {
  return error == ECONNABORTED || error == EPROTO || error == ENETDOWN || error == ENETUNREACH ||
         error == EHOSTDOWN || error == EHOSTUNREACH || error == EPERM;
}

} // namespace

accept::accept(const settings& values)
    : blocking_operator(values.boolean("interruptible")), options_(options_of(values)),
      max_connections_(
          static_cast<std::size_t>(std::max<std::int64_t>(1, values.integer("max_connections")))) {}

void accept::run(blocking_context& ctx) {
  listen(ctx);
  if (!listener_) return;
  take_leaving(ctx);
  while (true) {
    make_room(ctx);
    take(ctx);
  }
}

void accept::listen(blocking_context& ctx) {
  const bool restored = listener_ != nullptr;
  if (!restored) {
    auto bound = net::bind_socket(options_);
    if (!bound) return ctx.stop_service(bound.error().message);
    listener_ = ctx.host<descriptors>().hold(*bound);
  }
  if (::listen(listener_->fd(), options_.backlog) == 0) {
    if (!restored) ctx.log(log_level::info, "listens on " + net::local_address(listener_->fd()));
    return;
  }
  const auto why = std::system_category().message(errno);
  if (restored) // goes on with the backlog that it has
    return ctx.log(log_level::warning, "cannot change the backlog: " + why);
  ctx.stop_service("cannot listen on " + net::local_address(listener_->fd()) + ": " + why +
                   "; choose another port, or stop what uses it");
  listener_ = nullptr;
}

void accept::take(blocking_context& ctx) {
  int connection = -1;
  try {
    connection = ctx.accept(listener_->fd());
  } catch (const std::system_error& e) {
    if (is_of_the_peer(e.code().value())) return;
    const bool too_many = e.code().value() == EMFILE;
    ctx.log(log_level::warning,
            std::string("cannot accept connections now, keeps trying: ") + e.code().message() +
                (too_many ? "; raise the limit of open files (ulimit -n)" : ""));
  }
  if (connection >= 0) emit(ctx, connection);
  else ctx.sleep_for(std::chrono::seconds(1));
}

void accept::emit(blocking_context& ctx, int connection) {
  auto held = ctx.host<descriptors>().hold(connection);
  prepare(connection);
  open_.push_back(held);
  const auto id = held->id();
  ctx.emit(out, make_payload<descriptor_packet>(std::move(held)), id);
}

/// Connections that were made at former addresses. These sockets do not block.
void accept::take_leaving(blocking_context& ctx) {
  while (!leaving_.empty()) {
    while (true) {
      const int connection = ::accept4(leaving_.back()->fd(), nullptr, nullptr, SOCK_CLOEXEC);
      if (connection >= 0) emit(ctx, connection);
      else if (errno != EINTR && !is_of_the_peer(errno)) break;
    }
    leaving_.pop_back();
  }
}

void accept::make_room(blocking_context& ctx) {
  if (open_.size() < max_connections_) return;
  while (count_open() >= max_connections_) ctx.sleep_for(pause_time);
}

std::size_t accept::count_open() {
  std::erase_if(open_, [](const auto& one) { return one.expired(); });
  return open_.size();
}

void accept::save(state_writer& into) const {
  auto state = into.init<AcceptState>();
  if (!listener_ || into.purpose() != save_purpose::hand_over) return;
  state.setListener(listener_->id());
  state.setAddress(options_.address);
  state.setPort(options_.port);
  std::vector<std::uint64_t> ids;
  for (const auto& one : leaving_) ids.push_back(one->id());
  write_ids(state.initLeaving(static_cast<unsigned>(ids.size())), ids);
  ids.clear();
  for (const auto& one : open_)
    if (const auto held = one.lock()) ids.push_back(held->id());
  write_ids(state.initConnections(static_cast<unsigned>(ids.size())), ids);
}

void accept::restore(context& ctx, state_reader& from) {
  const auto state = from.root<AcceptState>();
  if (state.getListener() == 0) return;
  auto& all = ctx.host<descriptors>();
  for (const auto id : state.getLeaving())
    if (auto held = all.find(id)) leaving_.push_back(std::move(held));
  for (const auto id : state.getConnections())
    if (const auto held = all.find(id)) open_.push_back(held);
  auto old = all.find(state.getListener());
  if (!old) return;
  const std::string address = state.getAddress().cStr();
  const bool fits = address == options_.address &&
                    (state.getPort() == options_.port || port_of(old->fd()) == options_.port);
  if (fits) {
    listener_ = std::move(old);
    return;
  }
  // That the new address can be had must be certain before the old one goes.
  leaving_.push_back(std::move(old));
  auto bound = net::bind_socket(options_);
  if (!bound) throw std::runtime_error(bound.error().message);
  listener_ = all.hold(*bound);
}

} // namespace instar::blocking
