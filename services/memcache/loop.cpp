#include "services/memcache/loop.hpp"

#include "services/blocking/common_settings.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <utility>

namespace instar::memcache {

namespace {

std::string text_of(capnp::Data::Reader data) {
  return {reinterpret_cast<const char*>(data.begin()), data.size()};
}
capnp::Data::Reader data_of(const std::string& text) {
  return {reinterpret_cast<const unsigned char*>(text.data()), text.size()};
}

/// Counted among the threads of the table.
struct presence {
  explicit presence(std::shared_ptr<table> of) : at(std::move(of)) { ++at->loops; }
  ~presence() { --at->loops; }
  presence(const presence&) = delete;
  presence& operator=(const presence&) = delete;

  const std::shared_ptr<table> at;
};

} // namespace

loop::loop(const settings& values, dialect in)
    : blocking_operator(blocking::rest_of(values)), cache_(values.text("cache")),
      most_(static_cast<std::size_t>(std::max<std::int64_t>(1, values.integer("max_connections")))),
      in_(in) {}

void loop::begin(tables& all) {
  if (!table_) table_ = all.open(cache_);
}

void loop::run(blocking_context& ctx) {
  begin(ctx.host<tables>());
  const presence counted(table_);
  for (;;) wait(ctx);
}

bool loop::left_over(std::size_t, packet& p) {
  adopt(p);
  return true;
}

void loop::adopt(packet& p) {
  connection made;
  made.at = p.as<descriptor_packet>().what();
  if (connections_.size() >= most_) {
    made.talk.output = "SERVER_ERROR too many open connections\r\n";
    made.talk.closing = true;
  }
  if (table_) table_->joined(made.at);
  connections_.push_back(std::move(made));
}

void loop::wait(blocking_context& ctx) {
  polled_.clear();
  for (const auto& c : connections_) {
    short wanted = 0;
    if (c.talk.takes_more() && !c.ended) wanted |= POLLIN;
    if (!c.talk.output.empty()) wanted |= POLLOUT;
    polled_.push_back({c.at->fd(), wanted, 0});
  }
  const auto ready = ctx.poll(polled_, {}, true);
  for (std::size_t i = 0; i < connections_.size(); ++i)
    if (polled_[i].revents != 0) serve(connections_[i], polled_[i].revents);
  std::erase_if(connections_, [](const connection& c) { return is_over(c); });
  if (ready.packet) {
    auto come = ctx.receive();
    adopt(come.what);
  }
}

bool loop::is_over(const connection& c) {
  return !c.at || (c.talk.output.empty() && (c.talk.closing || c.ended));
}

/// A connection that is lost has no descriptor any more.
void loop::serve(connection& c, short ready) {
  if ((ready & POLLIN) && !receive(c)) return c.at.reset();
  if (!c.talk.output.empty() && !send(c)) return c.at.reset();
  // What had to wait because the client did not read.
  while (c.talk.takes_more() && !c.talk.input.empty()) {
    const auto before = c.talk.input.size();
    c.talk.run(*table_, in_);
    if (!c.talk.output.empty() && !send(c)) return c.at.reset();
    if (c.talk.input.size() == before) break; // not here as a whole
  }
  if ((ready & (POLLERR | POLLNVAL)) || ready == POLLHUP) c.at.reset();
}

/// What is here, and carries it out. False if the connection is lost.
bool loop::receive(connection& c) {
  const auto n = ::recv(c.at->fd(), block_.data(), block_.size(), MSG_DONTWAIT);
  if (n < 0) return errno == EAGAIN || errno == EINTR;
  if (n == 0) {
    c.ended = true;
    return true;
  }
  table_->bytes_read += static_cast<std::uint64_t>(n);
  c.talk.input.append(block_.data(), static_cast<std::size_t>(n));
  c.talk.run(*table_, in_);
  return true;
}

/// As much as the socket takes now. False if the connection is lost.
bool loop::send(connection& c) {
  auto& output = c.talk.output;
  const auto n = ::send(c.at->fd(), output.data(), output.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (n < 0) return errno == EAGAIN || errno == EINTR;
  table_->bytes_written += static_cast<std::uint64_t>(n);
  output.erase(0, static_cast<std::size_t>(n));
  return true;
}

void loop::save(state_writer& into) const {
  auto to = into.init<LoopState>();
  if (into.purpose() == save_purpose::checkpoint) return; // connections end with the process
  auto list = to.initSessions(static_cast<unsigned>(connections_.size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    const auto& c = connections_[i];
    list[i].setDescriptor(c.at->id());
    list[i].setInput(data_of(c.talk.input));
    list[i].setOutput(data_of(c.talk.output));
    list[i].setSwallow(c.talk.swallow);
    list[i].setClosing(c.talk.closing);
    list[i].setEnded(c.ended);
  }
}

void loop::restore(context& ctx, state_reader& from) {
  begin(ctx.host<tables>());
  auto& all = ctx.host<descriptors>();
  for (const auto one : from.root<LoopState>().getSessions()) {
    connection c;
    c.at = all.find(one.getDescriptor());
    c.talk.input = text_of(one.getInput());
    c.talk.output = text_of(one.getOutput());
    c.talk.swallow = one.getSwallow();
    c.talk.closing = one.getClosing();
    c.ended = one.getEnded();
    if (c.at) connections_.push_back(std::move(c));
  }
}

} // namespace instar::memcache
