#include "services/proxy/receive.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <stdexcept>
#include <utility>

namespace instar::proxy {

namespace {

constexpr int reads_at_once = 8;
constexpr std::chrono::seconds sweep_time{1};

} // namespace

receive::receive(const settings& values)
    : seconds_(net::whole_seconds(values.duration("timeout"))), limits_{values.size("max_head"),
                                                                        values.size("max_body")},
      memory_(values.size("memory")), folder_(values.path("folder")) {}

void receive::on_start(context& ctx) {
  sockets_ = &ctx.host<net::reactor>();
  look_later(ctx);
}

void receive::on_packet(context& ctx, std::size_t, packet p) {
  handed_over_.clear(); // goes on, so what it saved was not taken over
  auto what = p.take<exchange>();
  const auto link = what->link.as<net::outgoing>();
  const auto id = link->id();
  const auto now = net::coarse_seconds();
  sockets_->watch(link, net::interest::reads, ctx.events());
  open_.insert_or_assign(
      id, reading{p.key, what,
                  answer_reader(what->asked->head_only, make_payload<spool>(memory_, folder_)), now,
                  now});
  look_later(ctx);
  read_some(ctx, id); // what came before we asked to be told
}

void receive::on_events(context& ctx, std::span<event> events) {
  handed_over_.clear();
  for (auto& e : events) {
    auto& link = static_cast<net::endpoint&>(*e.source);
    if (open_.count(link.id())) read_some(ctx, link.id());
    else link.take_raised(); // nobody's turn: whoever uses it next tries by itself
  }
}

void receive::read_some(context& ctx, std::uint64_t connection) {
  const auto at = open_.find(connection);
  const auto link = at->second.what->link.as<net::outgoing>();
  link->take_raised();
  auto& reader = at->second.reader;
  for (int i = 0; i < reads_at_once;) {
    const auto got = ::recv(link->fd(), scratch_.get(), read_size, MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (got <= 0) return ended(ctx, at);
    ++i;
    at->second.moved = net::coarse_seconds();
    std::string_view text(scratch_.get(), static_cast<std::size_t>(got));
    switch (reader.read(text, limits_)) {
    case answer_reader::progress::open:
      break;
    case answer_reader::progress::complete: {
      // Bytes that nobody asked for are no answer to whatever is asked next.
      const bool in_order = reader.keep_alive() && text.empty();
      auto answer = reader.take();
      return give_back(ctx, at, in_order ? exchange::outcome::reusable : exchange::outcome::closed,
                       std::move(answer));
    }
    case answer_reader::progress::no_space:
      ctx.log(log_level::warning, "the body of an upstream answer does not fit into " +
                                      folder_.string() + "; make room, or set another folder");
      return fail(ctx, at, 502);
    case answer_reader::progress::broken:
      return fail(ctx, at, 502);
    }
  }
  if (link->raise(net::ready::readable)) ctx.events()->post({link, net::ready::readable});
}

void receive::ended(context& ctx, reading_map::iterator at) {
  auto& reader = at->second.reader;
  if (reader.silent()) return give_back(ctx, at, exchange::outcome::silent, nullptr);
  if (reader.end() != answer_reader::progress::complete) return fail(ctx, at, 502);
  give_back(ctx, at, exchange::outcome::closed, reader.take());
}

void receive::fail(context& ctx, reading_map::iterator at, std::uint16_t status) {
  give_back(ctx, at, exchange::outcome::closed, refusal(status));
}

void receive::give_back(context& ctx, reading_map::iterator at, exchange::outcome how,
                        payload_ptr<http::response> answer) {
  const auto request = at->second.request;
  auto what = std::move(at->second.what);
  open_.erase(at);
  what->how = how;
  what->answer = std::move(answer);
  ctx.answer(serves, request, std::move(what));
}

/// Only while something is read.
void receive::look_later(context& ctx) {
  if (sweeps_ || open_.empty()) return;
  sweeps_ = true;
  ctx.set_timer(sweep_time, 0);
}

void receive::on_timer(context& ctx, std::uint64_t) {
  handed_over_.clear();
  sweeps_ = false;
  const auto now = net::coarse_seconds();
  for (auto at = open_.begin(); at != open_.end();) {
    const auto late = at++;
    const auto& one = late->second;
    if (now - one.moved > seconds_ || now - one.since > net::whole_seconds(one.what->asked->within))
      fail(ctx, late, 504);
  }
  look_later(ctx);
}

std::optional<std::string> receive::not_yet(context&, cut_purpose purpose) {
  if (purpose == cut_purpose::hand_over || open_.empty()) return std::nullopt;
  return std::to_string(open_.size()) + " upstream answers are not complete";
}

// -- state --------------------------------------------------------------------------------------

void receive::save(state_writer& into) const {
  handed_over_.clear();
  if (into.purpose() == save_purpose::checkpoint) return; // connections end with the process
  auto state = into.init<ReceiveState>();
  state.setSweeps(sweeps_);
  const auto now = net::coarse_seconds();
  auto list = state.initOpen(static_cast<unsigned>(open_.size()));
  unsigned i = 0;
  const auto hand_over = [&](payload_ptr<payload> what) {
    handed_over_.push_back(sockets_->kept().put(std::move(what)));
    return handed_over_.back().id();
  };
  for (const auto& [id, one] : open_) {
    auto entry = list[i++];
    entry.setRequest(one.request);
    entry.setExchange(hand_over(one.what));
    entry.setSpool(hand_over(one.reader.body()));
    entry.setIdle(now - one.moved);
    entry.setAge(now - one.since);
    const auto& head = one.reader.head();
    entry.setHead({reinterpret_cast<const kj::byte*>(head.data()), head.size()});
    const auto at = one.reader.where();
    entry.setPhase(static_cast<std::uint8_t>(at.phase));
    entry.setSome(at.some);
    entry.setRead(at.read);
    auto body = entry.initBody();
    body.setPhase(static_cast<std::uint8_t>(at.body.phase));
    body.setDigits(at.body.digits);
    body.setOverhead(at.body.overhead);
    body.setLeft(at.body.left);
    body.setAllowed(at.body.allowed);
  }
}

namespace {

answer_reader::position position_of(ReceiveState::Reading::Reader from) {
  const auto body = from.getBody();
  return {static_cast<answer_reader::phase>(from.getPhase()),
          {static_cast<http::body_skipper::phase>(body.getPhase()), body.getDigits(),
           body.getOverhead(), body.getLeft(), body.getAllowed()},
          from.getRead(),
          from.getSome()};
}

} // namespace

void receive::restore(context& ctx, state_reader& from) {
  sockets_ = &ctx.host<net::reactor>();
  const auto now = net::coarse_seconds();
  const auto state = from.root<ReceiveState>();
  sweeps_ = state.getSweeps();
  for (const auto one : state.getOpen()) {
    const auto kept = sockets_->kept().get(one.getExchange());
    const auto body = sockets_->kept().get(one.getSpool());
    auto* what = dynamic_cast<exchange*>(kept.get());
    auto* into = dynamic_cast<spool*>(body.get());
    if (!what || !into || !what->asked || !what->link.as<net::outgoing>())
      throw std::runtime_error("an upstream answer that is half read is not kept any more");
    answer_reader reader(what->asked->head_only, payload_ptr<spool>::share(into));
    const auto head = one.getHead();
    if (!reader.resume(position_of(one), {reinterpret_cast<const char*>(head.begin()), head.size()},
                       limits_))
      throw std::runtime_error("an upstream answer is read in a way that is not known");
    open_.insert_or_assign(what->link->id(),
                           reading{one.getRequest(), payload_ptr<exchange>::share(what),
                                   std::move(reader), now - one.getAge(), now - one.getIdle()});
  }
}

} // namespace instar::proxy
