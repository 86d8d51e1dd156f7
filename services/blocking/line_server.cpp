#include "services/blocking/line_server.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>
#include <utility>

namespace instar::blocking {

namespace {

std::string text_of(capnp::Data::Reader data) {
  return {reinterpret_cast<const char*>(data.begin()), data.size()};
}
capnp::Data::Reader data_of(const std::string& text) {
  return {reinterpret_cast<const unsigned char*>(text.data()), text.size()};
}

} // namespace

void line_server::take_leaving(blocking_context& ctx) {
  auto& all = ctx.host<descriptors>();
  listening_.take_leaving([&](int fd) { add(all, fd); });
}

void line_server::add(descriptors& all, int fd) {
  if (clients_.size() >= most_clients) {
    ::close(fd);
    return;
  }
  client made;
  made.number = ++last_;
  made.at = all.hold(fd);
  clients_.emplace(made.number, std::move(made));
}

bool line_server::turn(blocking_context& ctx, const on_line& take,
                       std::optional<std::chrono::steady_clock::time_point> until) {
  take_lines(take);
  polled_.clear();
  for (auto at = clients_.begin(); at != clients_.end();) {
    auto& c = at->second;
    if (!send(c) || is_over(c)) {
      at = clients_.erase(at);
      continue;
    }
    short wanted = 0;
    if (may_go_on(c) && !c.ended && c.input.size() <= longest_line) wanted |= POLLIN;
    if (!c.output.empty()) wanted |= POLLOUT;
    polled_.push_back({c.at->fd(), wanted, 0});
    ++at;
  }
  polled_.push_back({listening_.fd(), POLLIN, 0});
  std::optional<std::chrono::nanoseconds> left;
  if (until)
    left = std::max<std::chrono::nanoseconds>(*until - std::chrono::steady_clock::now(), {});
  const auto ready = ctx.poll(polled_, left, true);
  std::size_t i = 0;
  for (auto at = clients_.begin(); at != clients_.end(); ++i) {
    const auto seen = polled_[i].revents;
    const bool lost =
        (seen & (POLLERR | POLLNVAL)) != 0 || ((seen & POLLIN) && !receive(at->second));
    at = lost || (seen == POLLHUP) ? clients_.erase(at) : std::next(at);
  }
  if (polled_.back().revents & POLLIN) accept_all(ctx);
  take_lines(take);
  for (auto at = clients_.begin(); at != clients_.end();)
    at = send(at->second) ? std::next(at) : clients_.erase(at);
  return ready.packet;
}

/// Its socket does not block.
void line_server::accept_all(blocking_context& ctx) {
  auto& all = ctx.host<descriptors>();
  for (int fd; (fd = ::accept4(listening_.fd(), nullptr, nullptr, SOCK_CLOEXEC)) >= 0;)
    add(all, fd);
  if (errno == EMFILE || errno == ENFILE) // who waits goes on waiting, until others have ended
    ctx.sleep_for(std::chrono::milliseconds(20));
}

bool line_server::may_go_on(const client& c) {
  return !c.closing && !c.waits && c.output.size() < most_output;
}

bool line_server::is_over(const client& c) {
  return c.output.empty() && (c.closing || (c.ended && !c.waits));
}

void line_server::take_lines(const on_line& take) {
  for (auto& [number, c] : clients_) {
    std::size_t at = 0;
    for (std::size_t end; may_go_on(c) && (end = c.input.find('\n', at)) != std::string::npos;) {
      auto line = std::string_view(c.input).substr(at, end - at);
      if (line.ends_with('\r')) line.remove_suffix(1);
      at = end + 1;
      take(c, line);
    }
    c.input.erase(0, at);
    if (may_go_on(c) && c.input.size() > longest_line) {
      c.say("error: a line of more than 4096 bytes");
      c.closing = true;
    }
  }
}

/// False if the connection is lost.
bool line_server::receive(client& c) {
  std::array<char, 4096> block;
  const auto n = ::recv(c.at->fd(), block.data(), block.size(), MSG_DONTWAIT);
  if (n > 0) c.input.append(block.data(), static_cast<std::size_t>(n));
  if (n == 0) c.ended = true;
  return n >= 0 || errno == EAGAIN || errno == EINTR;
}

/// What the socket takes now. False if the connection is lost, or its client reads too little.
bool line_server::send(client& c) {
  if (c.output.empty()) return true;
  const auto n = ::send(c.at->fd(), c.output.data(), c.output.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (n > 0) c.output.erase(0, static_cast<std::size_t>(n));
  return (n >= 0 || errno == EAGAIN || errno == EINTR) && c.output.size() <= most_told;
}

line_server::client* line_server::find(std::uint64_t number) {
  const auto at = clients_.find(number);
  return at == clients_.end() ? nullptr : &at->second;
}

void line_server::save(LineClients::Builder into, save_purpose purpose) const {
  into.setLast(last_);
  if (purpose != save_purpose::hand_over) return;
  listening_.save(into);
  auto list = into.initClients(static_cast<unsigned>(clients_.size()));
  unsigned i = 0;
  for (const auto& [number, c] : clients_) {
    auto to = list[i++];
    to.setDescriptor(c.at->id());
    to.setNumber(number);
    to.setInput(data_of(c.input));
    to.setOutput(data_of(c.output));
    to.setClosing(c.closing);
    to.setEnded(c.ended);
    to.setWaits(c.waits);
    to.setMarked(c.marked);
  }
}

void line_server::restore(descriptors& all, LineClients::Reader from) {
  last_ = from.getLast();
  listening_.restore(all, from);
  for (const auto one : from.getClients()) {
    client c;
    c.number = one.getNumber();
    c.at = all.find(one.getDescriptor());
    c.input = text_of(one.getInput());
    c.output = text_of(one.getOutput());
    c.closing = one.getClosing();
    c.ended = one.getEnded();
    c.waits = one.getWaits();
    c.marked = one.getMarked();
    if (c.at) clients_.insert_or_assign(c.number, std::move(c));
  }
}

} // namespace instar::blocking
