#include "services/pool/keeper.hpp"

#include "services/blocking/common_settings.hpp"
#include "services/blocking/saved.hpp"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

namespace instar::pool {

namespace {

constexpr std::chrono::seconds sweep_time{1};
constexpr int reads_at_once = 16; // others get their turn before what else comes to be thrown away

/// Whether the peer has ended it; reads what is there away, if that is not to be answered.
bool has_ended(int peer, bool throw_away) {
  std::array<char, 16 * 1024> block;
  for (int i = 0; i < reads_at_once; ++i) {
    const auto n = throw_away ? ::recv(peer, block.data(), block.size(), MSG_DONTWAIT)
                              : ::recv(peer, block.data(), 1, MSG_DONTWAIT | MSG_PEEK);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno != EAGAIN;
    if (n == 0) return true;
    if (!throw_away) return false;
  }
  return false;
}

} // namespace

keeper::keeper(const settings& values)
    : blocking_operator(blocking::rest_of(values)), idle_timeout_(values.duration("idle_timeout")),
      linger_timeout_(values.duration("linger_timeout")),
      workers_(values.integer("workers"), "workers") {}

void keeper::run(blocking_context& ctx) {
  while (true) {
    give_out(ctx);
    sweep();
    const bool empty = kept_.empty() && waiting_.empty();
    ready_.clear();
    wait(ctx, empty ? std::nullopt : std::optional<std::chrono::nanoseconds>(sweep_time), ready_);
    for (const auto id : ready_) on_ready(id);
    while (auto came = ctx.receive_until(clock::now())) take(came->port, came->what);
  }
}

bool keeper::left_over(std::size_t port, packet& p) {
  take(port, p);
  return true;
}

void keeper::take(std::size_t port, packet& p) {
  auto peer = p.as<descriptor_packet>().what();
  if (const auto known = out_.find(peer->id()); known != out_.end()) {
    workers_.give_back(known->second.key);
    out_.erase(known);
  }
  keep(std::move(peer), clock::now(), port == closing.index);
}

void keeper::keep(connection peer, clock::time_point since, bool closing) {
  const auto id = peer->id();
  watch(*peer);
  kept_[id] = {std::move(peer), since, closing};
}

void keeper::on_ready(std::uint64_t id) {
  const auto found = kept_.find(id);
  if (found == kept_.end()) return;
  auto& one = found->second;
  if (has_ended(one.peer->fd(), one.closing)) return drop(found);
  if (one.closing) return;
  unwatch(*one.peer);
  waiting_.push_back(std::move(one.peer));
  kept_.erase(found);
}

void keeper::give_out(blocking_context& ctx) {
  while (!waiting_.empty()) {
    const auto key = workers_.take();
    if (!key) return;
    auto peer = std::move(waiting_.front());
    waiting_.pop_front();
    out_[peer->id()] = {peer, *key};
    ctx.emit(out, make_payload<descriptor_packet>(std::move(peer)), *key);
  }
}

/// Drops who was silent for too long, and forgets those that a worker has lost.
void keeper::sweep() {
  const auto now = clock::now();
  if (now - swept_ < sweep_time) return;
  swept_ = now;
  for (auto at = kept_.begin(); at != kept_.end();) {
    const auto one = at++;
    const auto limit = one->second.closing ? linger_timeout_ : idle_timeout_;
    if (now - one->second.since > limit) drop(one);
  }
  std::erase_if(out_, [this](const auto& one) {
    if (!one.second.peer.expired()) return false;
    workers_.give_back(one.second.key);
    return true;
  });
}

/// Others may have it still for a moment, for example the version before this one.
void keeper::drop(std::unordered_map<std::uint64_t, kept>::iterator which) {
  unwatch(*which->second.peer);
  ::shutdown(which->second.peer->fd(), SHUT_RDWR);
  kept_.erase(which);
}

void keeper::save(state_writer& into) const {
  if (into.purpose() == save_purpose::checkpoint) return; // connections end with the process
  auto state = into.init<KeeperState>();
  auto list = state.initKept(static_cast<unsigned>(kept_.size()));
  unsigned i = 0;
  for (const auto& [id, one] : kept_) {
    auto entry = list[i++];
    entry.setConnection(id);
    entry.setSince(blocking::saved_time(one.since));
    entry.setClosing(one.closing);
  }
  auto line = state.initWaiting(static_cast<unsigned>(waiting_.size()));
  i = 0;
  for (const auto& one : waiting_) line.set(i++, one->id());
  auto lent = state.initOut(static_cast<unsigned>(out_.size()));
  i = 0;
  for (const auto& [id, one] : out_) {
    auto entry = lent[i++];
    entry.setConnection(id);
    entry.setKey(one.key);
  }
}

void keeper::restore(context& ctx, state_reader& from) {
  const auto state = from.root<KeeperState>();
  auto& all = ctx.host<descriptors>();
  for (const auto entry : state.getKept())
    if (auto peer = all.find(entry.getConnection()))
      keep(std::move(peer), blocking::time_of(entry.getSince()), entry.getClosing());
  for (const auto id : state.getWaiting())
    if (auto peer = all.find(id)) waiting_.push_back(std::move(peer));
  for (const auto entry : state.getOut()) {
    const auto peer = all.find(entry.getConnection());
    if (!peer) continue;
    out_[peer->id()] = {peer, entry.getKey()};
    workers_.note_taken(entry.getKey());
  }
}

} // namespace instar::pool
