#include "services/net/read.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

namespace instar::net {

namespace {

constexpr int reads_at_once = 4;
/// Without a byte, of a connection on which all is written.
constexpr std::uint32_t quiet_seconds = 5;
constexpr std::chrono::seconds sweep_time{1};

payload_ptr<connection> share(connection& of) { return payload_ptr<connection>::share(&of); }

} // namespace

read::read(const settings& values)
    : idle_seconds_(whole_seconds(values.duration("idle_timeout"))),
      linger_seconds_(whole_seconds(values.duration("linger_timeout"))) {}

void read::on_start(context& ctx) {
  if (!restored_) ctx.set_timer(sweep_time, 0); // else the old version's timer goes on
}

void read::on_packet(context& ctx, std::size_t, packet p) {
  auto made = p.take<connection>();
  const auto id = made->id();
  try {
    open_.emplace(id, ctx.host<reactor>().watch(std::move(made), interest::reads, ctx.events()));
  } catch (const std::system_error& e) {
    ctx.log(log_level::warning, std::string("a connection is dropped: ") + e.what());
  }
}

void read::on_events(context& ctx, std::span<event> events) {
  for (auto& e : events) read_some(ctx, static_cast<connection&>(*e.source));
}

void read::read_some(context& ctx, connection& from) {
  const auto raised = from.take_raised();
  if (from.paused() && !from.finished()) return; // whoever resumes it raises a new event
  from.touch(coarse_seconds());
  for (int i = 0; i < reads_at_once;) {
    const auto got = ::recv(from.fd(), scratch_.data(), scratch_.size(), MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) return ended(ctx, from);
    ++i;
    const auto bytes = std::span<const std::byte>(scratch_.data(), static_cast<std::size_t>(got));
    if (!from.input_ended()) ctx.emit(out, chunk::make(share(from), bytes), from.id());
    // A short read has emptied the socket. Whatever comes later raises a new event; only an end
    // that came already does not.
    if (bytes.size() < scratch_.size() && !(raised & ready::hangup)) return;
  }
  if (from.raise(raised | ready::readable)) ctx.events()->post({share(from), ready::readable});
}

/// What was read before is on its way still, so whether to take it is up to who parses.
void read::ended(context& ctx, connection& from) {
  if (open_.erase(from.id()) == 0) return; // told already
  if (!lingering_.empty()) lingering_.erase(from.id());
  if (!from.input_ended()) ctx.emit(out, chunk::make_end(share(from)), from.id());
}

void read::on_timer(context& ctx, std::uint64_t) {
  const auto now = coarse_seconds();
  for (auto& [id, held] : open_) {
    auto& c = static_cast<connection&>(*held.get());
    const auto idle = now - c.last_active();
    if (idle > idle_seconds_ || (c.finished() && lingers_too_long(id, idle, now))) c.abort();
  }
  ctx.set_timer(sweep_time, 0);
}

/// Who goes on sending gets some time to find the answer, not for ever.
bool read::lingers_too_long(std::uint64_t id, std::uint32_t idle, std::uint32_t now) {
  const auto since = lingering_.try_emplace(id, now).first->second;
  return idle > quiet_seconds || now - since > linger_seconds_;
}

void read::save(state_writer& into) const {
  if (into.purpose() == save_purpose::checkpoint) return; // connections end with the process
  auto ids = into.init<ReadState>().initConnections(static_cast<unsigned>(open_.size()));
  unsigned i = 0;
  for (const auto& [id, held] : open_) ids.set(i++, id);
}

void read::restore(context& ctx, state_reader& from) {
  auto& sockets = ctx.host<reactor>();
  for (const auto id : from.root<ReadState>().getConnections()) {
    auto held = sockets.find(id);
    if (held.as<connection>()) open_.emplace(id, std::move(held));
  }
  restored_ = true;
}

} // namespace instar::net
