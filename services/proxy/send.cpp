#include "services/proxy/send.hpp"

#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace instar::proxy {

namespace {

constexpr std::chrono::seconds sweep_time{1};
/// Who reads gives up before.
constexpr std::chrono::seconds more_than_within{5};

std::size_t at_least_one(std::int64_t number) {
  return static_cast<std::size_t>(std::clamp<std::int64_t>(number, 1, 1 << 20));
}

std::vector<net::remote> found(std::string_view list) {
  auto all = net::find_remotes(list);
  if (!all) throw std::runtime_error(all.error().message);
  return *std::move(all);
}

} // namespace

send::send(const settings& values)
    : max_waiting_(at_least_one(values.integer("max_waiting"))),
      connect_seconds_(net::whole_seconds(values.duration("connect_timeout"))),
      write_seconds_(net::whole_seconds(values.duration("write_timeout"))),
      pool_(found(values.text("upstream")), {at_least_one(values.integer("connections")),
                                             net::whole_seconds(values.duration("idle_timeout")),
                                             net::whole_seconds(values.duration("fail_timeout"))}) {
}

void send::on_start(context& ctx) {
  sockets_ = &ctx.host<net::reactor>();
  std::vector<std::uint64_t> under_way;
  for (const auto& [link, token] : by_link_) under_way.push_back(token);
  for (const auto token : under_way) go_on(ctx, token);
  begin_waiting(ctx);
  look_later(ctx);
}

void send::on_packet(context& ctx, std::size_t, packet p) {
  handed_over_.clear(); // goes on, so what it saved was not taken over
  const auto token = ++last_token_;
  job fresh;
  fresh.request = p.key;
  fresh.asked = p.take<question>();
  fresh.since = net::coarse_seconds();
  jobs_.emplace(token, std::move(fresh));
  if (waiting_.empty()) begin(ctx, token);
  else if (waiting_.size() < max_waiting_) waiting_.push_back(token);
  else answer(ctx, token, refusal(503));
  look_later(ctx);
}

// -- connections --------------------------------------------------------------------------------

/// Gets a connection for a question, or lets it wait for one.
void send::begin(context& ctx, std::uint64_t token) {
  while (true) {
    auto& of = jobs_.at(token);
    of.phase = phase::waiting;
    of.sent = 0;
    const auto now = net::coarse_seconds();
    const auto next = pool_.choose(of.tried, now);
    if (!next.server && next.wait && waiting_.size() < max_waiting_)
      return waiting_.push_front(token); // it was there before those that wait
    if (!next.server) return answer(ctx, token, refusal(next.wait ? 503 : of.status));
    of.server = *next.server;
    of.moved = now;
    auto idle = pool_.take_idle(of.server);
    if (idle && of.fresh_only) { // the others of its age are no better
      while (idle) {
        idle = {};
        pool_.closed(of.server);
        idle = pool_.take_idle(of.server);
      }
    }
    of.used_before = static_cast<bool>(idle);
    if (idle) {
      of.link = std::move(idle);
      of.phase = phase::writing;
      by_link_.emplace(of.link->id(), token);
      return write(ctx, token, of);
    }
    if (connect(ctx, token, of)) return go_on(ctx, token);
    in_vain(of);
  }
}

/// For this question, and for a while for others: somebody else shall be asked.
void send::in_vain(job& of) {
  if (of.server < of.tried.size()) of.tried.set(of.server); // retired ones are not chosen anyway
  pool_.failed(of.server, net::coarse_seconds());
}

/// Returns false if that failed at once.
bool send::connect(context& ctx, std::uint64_t token, job& of) {
  const int fd = net::begin_connecting(pool_.servers()[of.server].at);
  if (fd < 0) return false;
  const auto link = sockets_->adopt_outgoing(fd);
  link->await_writable();
  try {
    of.link = sockets_->watch(link, net::interest::writes, ctx.events());
  } catch (const std::system_error& e) {
    ctx.log(log_level::warning, std::string("no connection can be watched: ") + e.what());
    return false;
  }
  of.phase = phase::connecting;
  pool_.opened(of.server);
  by_link_.emplace(link->id(), token);
  return true;
}

/// Its connection may be able to do something.
void send::go_on(context& ctx, std::uint64_t token) {
  auto& of = jobs_.at(token);
  if (of.phase == phase::connecting) {
    const auto link = of.link.as<net::outgoing>();
    link->await_writable(); // before looking, so that nothing is missed
    const int error = link->connect_error();
    if (error == EINPROGRESS) return;
    if (error != 0) return failed(ctx, token, 502);
    pool_.works(of.server);
    of.phase = phase::writing;
  }
  write(ctx, token, of);
}

void send::on_events(context& ctx, std::span<event> events) {
  handed_over_.clear();
  for (auto& e : events) {
    const auto at = by_link_.find(static_cast<net::endpoint&>(*e.source).id());
    if (at != by_link_.end()) go_on(ctx, at->second);
  }
  look_later(ctx);
}

// -- writing ------------------------------------------------------------------------------------

void send::write(context& ctx, std::uint64_t token, job& of) {
  const auto head = of.asked->head_text(), body = of.asked->body_text();
  const auto link = of.link.as<net::outgoing>();
  bool asked_for_event = false;
  while (of.sent < head.size() + body.size()) {
    std::array<iovec, 2> pieces;
    std::size_t count = 0;
    const auto add = [&](std::string_view text, std::uint64_t skipped) {
      if (skipped < text.size())
        pieces[count++] = {const_cast<char*>(text.data()) + skipped,
                           static_cast<std::size_t>(text.size() - skipped)};
    };
    add(head, of.sent);
    add(body, of.sent - std::min<std::uint64_t>(of.sent, head.size()));
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = count;
    const auto n = ::sendmsg(link->fd(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n >= 0) {
      of.sent += static_cast<std::uint64_t>(n);
      of.moved = net::coarse_seconds();
      asked_for_event = false;
      continue;
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (asked_for_event) return;
      link->await_writable(); // only what becomes writable after this is told: once more
      asked_for_event = true;
      continue;
    }
    break; // there may be an answer nevertheless, for example 413
  }
  hand_to_reader(ctx, token, of);
}

void send::hand_to_reader(context& ctx, std::uint64_t token, job& of) {
  const bool whole = of.sent == of.asked->head_text().size() + of.asked->body_text().size();
  by_link_.erase(of.link->id());
  auto out = make_payload<exchange>();
  out->asked = of.asked;
  out->link = std::move(of.link);
  out->cut_short = !whole;
  of.phase = phase::reading;
  ctx.request(reads, std::move(out), of.asked->within + more_than_within, token);
}

// -- answers ------------------------------------------------------------------------------------

void send::on_answer(context& ctx, std::size_t, std::uint64_t token, packet p) {
  handed_over_.clear();
  const auto what = p.take<exchange>();
  const auto found = jobs_.find(token);
  if (found == jobs_.end()) return;
  auto& of = found->second;
  if (what->how == exchange::outcome::reusable && !what->cut_short)
    pool_.give_back(of.server, std::move(what->link), net::coarse_seconds());
  else pool_.closed(of.server);
  if (what->answer) answer(ctx, token, what->answer);
  else silent(ctx, token, of);
  begin_waiting(ctx);
  look_later(ctx);
}

/// The server ended the connection without a word.
void send::silent(context& ctx, std::uint64_t token, job& of) {
  if (!of.asked->repeatable) return answer(ctx, token, refusal(502));
  if (of.used_before) {
    of.fresh_only = true; // had only been kept for too long
  } else {
    in_vain(of);
  }
  begin(ctx, token);
}

/// Who reads has lost it, or took too long.
void send::on_no_answer(context& ctx, std::size_t, std::uint64_t token, no_answer why) {
  const auto found = jobs_.find(token);
  if (found == jobs_.end()) return;
  pool_.closed(found->second.server);
  answer(ctx, token, refusal(why == no_answer::deadline ? 504 : 502));
  begin_waiting(ctx);
}

/// The server cannot be reached.
void send::failed(context& ctx, std::uint64_t token, std::uint16_t status) {
  auto& of = jobs_.at(token);
  drop_link(of);
  of.status = status;
  in_vain(of);
  begin(ctx, token);
}

void send::drop_link(job& of) {
  by_link_.erase(of.link->id());
  of.link = {};
  pool_.closed(of.server);
}

void send::answer(context& ctx, std::uint64_t token, payload_ptr<http::response> with) {
  const auto found = jobs_.find(token);
  ctx.answer(serves, found->second.request, std::move(with));
  jobs_.erase(found);
}

/// As many of those that wait as can go on.
void send::begin_waiting(context& ctx) {
  while (!waiting_.empty()) {
    const auto token = waiting_.front();
    const auto before = waiting_.size();
    waiting_.pop_front();
    if (jobs_.count(token)) begin(ctx, token);
    if (waiting_.size() >= before) return;
  }
}

// -- time ---------------------------------------------------------------------------------------

void send::look_later(context& ctx) {
  if (sweeps_ || (jobs_.empty() && !pool_.has_idle())) return;
  sweeps_ = true;
  ctx.set_timer(sweep_time, 0);
}

void send::on_timer(context& ctx, std::uint64_t) {
  handed_over_.clear();
  sweeps_ = false;
  give_up(ctx);
  pool_.tidy(net::coarse_seconds());
  begin_waiting(ctx);
  look_later(ctx);
}

void send::give_up(context& ctx) {
  const auto now = net::coarse_seconds();
  std::vector<std::uint64_t> unreachable, stuck;
  for (const auto& [token, of] : jobs_) {
    const auto still = now - of.moved;
    if (of.phase == phase::connecting && still > connect_seconds_) unreachable.push_back(token);
    else if (of.phase == phase::writing && still > write_seconds_) stuck.push_back(token);
    else if (of.phase == phase::waiting && now - of.since > net::whole_seconds(of.asked->within))
      stuck.push_back(token);
  }
  for (const auto token : unreachable) failed(ctx, token, 504);
  for (const auto token : stuck) {
    auto& of = jobs_.at(token);
    if (of.phase == phase::writing) drop_link(of);
    std::erase(waiting_, token);
    answer(ctx, token, refusal(504));
  }
}

std::optional<std::string> send::not_yet(context&, cut_purpose purpose) {
  if (purpose == cut_purpose::hand_over || jobs_.empty()) return std::nullopt;
  return std::to_string(jobs_.size()) + " upstream requests have no answer";
}

} // namespace instar::proxy
