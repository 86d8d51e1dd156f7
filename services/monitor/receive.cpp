#include "services/monitor/receive.hpp"

#include "services/blocking/common_settings.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace instar::monitor {

namespace {

/// A bound datagram socket. Throws a line with address, cause and remedy.
int bind_datagrams(const net::listen_options& to) {
  const auto port = std::to_string(to.port);
  const auto place = "cannot receive at " + to.address + " UDP port " + port + ": ";
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_DGRAM;
  wanted.ai_flags = AI_NUMERICHOST | AI_PASSIVE;
  addrinfo* found = nullptr;
  if (::getaddrinfo(to.address.c_str(), port.c_str(), &wanted, &found) != 0)
    throw std::runtime_error(place + "no numeric address; give one such as 127.0.0.1 or ::");
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> frees_it(found, ::freeaddrinfo);
  const int fd = ::socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd >= 0 && ::bind(fd, found->ai_addr, found->ai_addrlen) == 0) {
    const int room = 1 << 20; // for what comes while nobody takes it; the system may give less
    ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    return fd;
  }
  const int error = errno;
  if (fd >= 0) ::close(fd);
  throw std::runtime_error(place + std::strerror(error) +
                           (error == EADDRINUSE ? "; choose another port" : ""));
}

template <class List>
void write_counters(List into, const status& from) {
  for (unsigned i = 0; i < into.size(); ++i) {
    into[i].setName(from.counters[i].first);
    into[i].setValue(from.counters[i].second);
  }
}

capnp::Data::Reader data_of(const std::string& text) {
  return {reinterpret_cast<const unsigned char*>(text.data()), text.size()};
}

} // namespace

receive::receive(const settings& values, bool lines)
    : blocking_operator(blocking::rest_of(values)), where_(net::listen_options_of(values)),
      lines_(lines) {}

void receive::claim(context& ctx) {
  if (socket_) return;
  socket_ = ctx.host<descriptors>().hold(bind_datagrams(where_));
  ctx.log(log_level::info, "receives at " + net::local_address(socket_->fd()) + " (UDP)");
}

void receive::tell_where(blocking_context& ctx) {
  auto where = make_payload<record>();
  const auto address = net::local_address(socket_->fd());
  where->init<Status>().setAddress(data_of(address));
  ctx.emit(out, std::move(where));
  ctx.emit(socket_out, make_payload<descriptor_packet>(socket_));
  told_ = true;
}

void receive::run(blocking_context& ctx) {
  if (!told_) tell_where(ctx);
  for (;;) {
    pollfd waits{socket_->fd(), POLLIN, 0};
    ctx.poll(std::span(&waits, 1));
    std::string from(sizeof(sockaddr_storage), '\0');
    socklen_t size = sizeof(sockaddr_storage);
    const auto n = ::recvfrom(socket_->fd(), block_.data(), block_.size(), MSG_DONTWAIT,
                              reinterpret_cast<sockaddr*>(from.data()), &size);
    if (n < 0) continue; // an error that a member's system has reported, or nothing
    from.resize(size);
    take(ctx, std::string_view(block_.data(), static_cast<std::size_t>(n)), from);
  }
}

void receive::take(blocking_context& ctx, std::string_view datagram, const std::string& from) {
  while (!datagram.empty()) {
    const auto end = datagram.find('\n');
    auto line = datagram.substr(0, end);
    datagram.remove_prefix(end == datagram.npos ? datagram.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    status s;
    if (const auto wrong = parse_status(line, s); !wrong.empty()) return refuse(ctx, from, wrong);
    if (!lines_ && !datagram.empty()) return refuse(ctx, from, "it has more than one line");
    auto made = make_payload<record>();
    auto to = made->init<Status>();
    to.setName(s.name);
    to.setIncarnation(s.incarnation);
    to.setSequence(s.sequence);
    to.setLeaves(s.leaves);
    to.setAddress(data_of(from));
    write_counters(to.initCounters(static_cast<unsigned>(s.counters.size())), s);
    ctx.emit(out, std::move(made));
  }
}

void receive::refuse(blocking_context& ctx, const std::string& from, const std::string& why) {
  ++refused_;
  const auto now = std::chrono::steady_clock::now();
  if (now - complained_ < std::chrono::seconds(10)) return;
  complained_ = now;
  ctx.log(log_level::warning, "a datagram of " + show_address(from) + " is no status: " + why +
                                  "; " + std::to_string(refused_) + " so far");
}

void receive::save(state_writer& into) const {
  auto to = into.init<ReceiveState>();
  to.setRefused(refused_);
  if (!socket_ || into.purpose() != save_purpose::hand_over) return;
  to.setSocket(socket_->id());
  to.setTold(told_);
}

void receive::restore(context& ctx, state_reader& from) {
  const auto saved = from.root<ReceiveState>();
  refused_ = saved.getRefused();
  auto kept = ctx.host<descriptors>().find(saved.getSocket());
  if (!kept || !net::is_bound_to(kept->fd(), where_)) return;
  socket_ = std::move(kept);
  told_ = saved.getTold();
}

} // namespace instar::monitor
