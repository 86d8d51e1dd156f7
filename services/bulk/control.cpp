#include "services/bulk/control.hpp"

#include "services/blocking/common_settings.hpp"
#include "services/blocking/line.hpp"
#include "services/blocking/saved.hpp"

#include <sys/socket.h>

#include <utility>

namespace instar::bulk {

namespace {

constexpr std::chrono::seconds sweep_time{1};

/// To who gets nothing else any more: as much of it as there is room for.
void say_last(int to, const std::string& line) {
  ::send(to, line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

} // namespace

control::control(const settings& values)
    : blocking_operator(blocking::rest_of(values)), max_size_(values.size("max_size")),
      receivers_(values.integer("receivers"), "receivers") {}

void control::run(blocking_context& ctx) {
  while (true) {
    give_out(ctx);
    sweep();
    wait(ctx);
    for (std::size_t i = 0; i < polled_.size(); ++i)
      if (polled_[i].revents != 0) on_ready(ctx, ids_[i]);
    while (auto came = ctx.receive_until(clock::now())) take(came->port, came->what);
  }
}

bool control::left_over(std::size_t port, packet& p) {
  take(port, p);
  return true;
}

void control::wait(blocking_context& ctx) {
  polled_.clear();
  ids_.clear();
  for (const auto& [id, one] : kept_) {
    polled_.push_back({one.peer->fd(), POLLIN, 0});
    ids_.push_back(id);
  }
  std::optional<std::chrono::nanoseconds> limit;
  if (idle_timeout() && !kept_.empty()) limit = sweep_time;
  ctx.poll(polled_, limit, true);
}

void control::take(std::size_t port, packet& p) {
  if (port == accepted.index) {
    const auto& peer = p.as<descriptor_packet>().what();
    kept_[peer->id()] = {peer, {}, clock::now()};
    return;
  }
  const auto told = p.as<record>().read<Returned>();
  const auto known = lent_.find(told.getConnection());
  if (known == lent_.end()) return;
  auto one = std::move(known->second);
  lent_.erase(known);
  if (!one.to_reporter) receivers_.give_back(one.key);
  if (told.getEnded()) ::shutdown(one.peer->fd(), SHUT_RDWR);
  else kept_[told.getConnection()] = {std::move(one.peer), {}, clock::now()};
}

void control::on_ready(blocking_context& ctx, std::uint64_t id) {
  const auto who = kept_.find(id);
  if (who == kept_.end()) return;
  switch (blocking::read_line(who->second.peer->fd(), who->second.line)) {
  case blocking::line_end::open:
    return;
  case blocking::line_end::complete:
    return obey(ctx, who);
  case blocking::line_end::too_long:
    say_last(who->second.peer->fd(), "ERROR a command of more than 512 bytes\n");
    return drop(who);
  case blocking::line_end::ended:
    return drop(who);
  }
}

void control::obey(blocking_context& ctx, kept_map::iterator who) {
  const auto what = parse_command(who->second.line, max_size_);
  auto& peer = who->second.peer;
  if (const auto* wrong = std::get_if<wrong_command>(&what)) {
    say_last(peer->fd(), "ERROR " + wrong->why + "\n");
    return drop(who);
  }
  if (std::holds_alternative<quit_command>(what)) return drop(who);
  if (const auto* moves = std::get_if<transfer_command>(&what)) {
    waiting_.push_back({std::move(peer), *moves});
  } else {
    auto question = make_payload<record>();
    question->init<Asked>().setConnection(who->first);
    lent_[who->first] = {std::move(peer), true, 0};
    ctx.emit(report, std::move(question), who->first);
  }
  kept_.erase(who);
}

void control::give_out(blocking_context& ctx) {
  while (!waiting_.empty()) {
    const auto key = receivers_.take();
    if (!key) return;
    auto next = std::move(waiting_.front());
    waiting_.pop_front();
    const auto id = next.peer->id();
    auto order = make_payload<record>();
    auto text = order->init<Transfer>();
    text.setConnection(id);
    text.setSends(next.what.sends);
    text.setSize(next.what.size);
    text.setSeed(next.what.seed);
    lent_[id] = {std::move(next.peer), false, *key};
    ctx.emit(transfer, std::move(order), *key);
  }
}

void control::sweep() {
  const auto limit = idle_timeout();
  const auto now = clock::now();
  if (!limit || now - swept_ < sweep_time) return;
  swept_ = now;
  for (auto at = kept_.begin(); at != kept_.end();) {
    const auto one = at++;
    if (now - one->second.since > *limit) drop(one);
  }
}

/// Others may have it still for a moment, for example the version before this one.
void control::drop(kept_map::iterator which) {
  ::shutdown(which->second.peer->fd(), SHUT_RDWR);
  kept_.erase(which);
}

void control::save(state_writer& into) const {
  if (into.purpose() == save_purpose::checkpoint) return; // connections end with the process
  auto state = into.init<ControlState>();
  auto kept = state.initKept(static_cast<unsigned>(kept_.size()));
  unsigned i = 0;
  for (const auto& [id, one] : kept_) {
    auto entry = kept[i++];
    entry.setConnection(id);
    entry.setLine(blocking::saved_bytes(one.line));
    entry.setSince(blocking::saved_time(one.since));
  }
  auto line = state.initWaiting(static_cast<unsigned>(waiting_.size()));
  i = 0;
  for (const auto& one : waiting_) {
    auto entry = line[i++];
    entry.setConnection(one.peer->id());
    entry.setSends(one.what.sends);
    entry.setSize(one.what.size);
    entry.setSeed(one.what.seed);
  }
  auto away = state.initLent(static_cast<unsigned>(lent_.size()));
  i = 0;
  for (const auto& [id, one] : lent_) {
    auto entry = away[i++];
    entry.setConnection(id);
    entry.setToReporter(one.to_reporter);
    entry.setKey(one.key);
  }
}

void control::restore(context& ctx, state_reader& from) {
  const auto state = from.root<ControlState>();
  auto& all = ctx.host<descriptors>();
  for (const auto entry : state.getKept())
    if (auto peer = all.find(entry.getConnection()))
      kept_[entry.getConnection()] = {std::move(peer), blocking::bytes_of(entry.getLine()),
                                      blocking::time_of(entry.getSince())};
  for (const auto entry : state.getWaiting())
    if (auto peer = all.find(entry.getConnection()))
      waiting_.push_back({std::move(peer), {entry.getSends(), entry.getSize(), entry.getSeed()}});
  for (const auto entry : state.getLent()) {
    auto peer = all.find(entry.getConnection());
    if (!peer) continue;
    if (!entry.getToReporter()) receivers_.note_taken(entry.getKey());
    lent_[entry.getConnection()] = {std::move(peer), entry.getToReporter(), entry.getKey()};
  }
}

} // namespace instar::bulk
