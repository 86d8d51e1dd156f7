#include "services/kv/reply.hpp"

#include "services/kv/join.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <stdexcept>
#include <utility>

namespace instar::kv {

namespace {

constexpr std::size_t max_pieces = 64;
/// What one connection may write before others get their turn.
constexpr std::uint64_t quota_bytes = 1024 * 1024;

iovec rest_of(const outgoing& one) {
  const auto text = one.what->text().substr(one.sent);
  return {const_cast<char*>(text.data()), text.size()};
}

} // namespace

net::write_progress writer::write(int socket, std::span<outgoing> queue) {
  using enum net::write_progress;
  constexpr int flags = MSG_NOSIGNAL | MSG_DONTWAIT;
  for (std::uint64_t written = 0;;) {
    while (!queue.empty() && queue.front().complete()) queue = queue.subspan(1);
    if (queue.empty()) return complete;
    if (written >= quota_bytes) return paused;
    std::array<iovec, max_pieces> pieces;
    const auto count = std::min(queue.size(), max_pieces);
    for (std::size_t i = 0; i < count; ++i) pieces[i] = rest_of(queue[i]);
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = count;
    const auto sent = count == 1 ? ::send(socket, pieces[0].iov_base, pieces[0].iov_len, flags)
                                 : ::sendmsg(socket, &message, flags);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return errno == EAGAIN || errno == EWOULDBLOCK ? blocked : failed;
    written += static_cast<std::uint64_t>(sent);
    auto left = static_cast<std::uint64_t>(sent);
    for (auto& one : queue) {
      const auto step = std::min(left, one.size() - one.sent);
      one.sent += step;
      left -= step;
      if (left == 0) break;
    }
  }
}

void reply::on_packet(context& ctx, std::size_t, packet p) {
  auto what = p.take<replies>();
  if (!what->from()) return; // somebody else answers
  const auto to = what->from().on();
  if (what->place().parts == 1 && what->place().turn == to->turn()) send(ctx, std::move(what));
  else hold(std::move(what));
  if (!held_.empty()) [[unlikely]]
    release(ctx, *to);
}

void reply::send(context& ctx, payload_ptr<replies> what) {
  what->from()->next_turn();
  auto from = std::move(what->from());
  out_.send(ctx, std::move(from), {std::move(what), 0});
}

void reply::hold(payload_ptr<replies> what) {
  const auto id = what->from()->id();
  const auto turn = what->place().turn;
  held_[id][turn].push_back(std::move(what));
}

/// Sends what is complete and whose turn it is.
void reply::release(context& ctx, const net::connection& to) {
  const auto known = held_.find(to.id());
  if (known == held_.end()) return;
  for (auto& turns = known->second;;) {
    const auto next = turns.find(to.turn());
    if (next == turns.end()) break;
    auto& parts = next->second;
    if (parts.size() < parts[0]->place().parts) break;
    auto whole = parts.size() == 1 ? std::move(parts[0]) : join(parts);
    turns.erase(next);
    send(ctx, std::move(whole));
  }
  if (known->second.empty()) held_.erase(known);
}

void reply::on_activation_end(context& ctx) {
  handed_over_.clear(); // goes on, so what it saved was not taken over
  out_.flush(ctx);
  if (!held_.empty() && ++activations_ % 64 == 0) forget_lost();
}

/// Of a connection that was broken off not all parts need come.
void reply::forget_lost() {
  std::erase_if(held_, [](const auto& of) {
    const auto& first = of.second.begin()->second[0];
    return first->from() && first->from()->finished();
  });
}

std::optional<std::string> reply::not_yet(context&, cut_purpose purpose) {
  if (purpose == cut_purpose::hand_over) return std::nullopt;
  forget_lost();
  const auto waiting = out_.outputs().size() + held_.size();
  if (waiting == 0) return std::nullopt;
  return std::to_string(waiting) + " connections have not taken all of their answers";
}

// -- state --------------------------------------------------------------------------------------

void reply::save(state_writer& into) const {
  handed_over_.clear();
  if (into.purpose() == save_purpose::checkpoint) return; // connections end with the process
  const auto keep = [&](const payload_ptr<replies>& what) {
    handed_over_.push_back(out_.sockets().kept().put(what));
    return handed_over_.back().id();
  };
  auto state = into.init<ReplyState>();
  auto outputs = state.initOutputs(static_cast<unsigned>(out_.outputs().size()));
  unsigned i = 0;
  for (const auto& [id, out] : out_.outputs()) {
    auto output = outputs[i++];
    output.setConnection(id);
    auto answers = output.initAnswers(static_cast<unsigned>(out.queue.size()));
    for (unsigned j = 0; j < answers.size(); ++j) {
      answers[j].setKept(keep(out.queue[j].what));
      answers[j].setSent(out.queue[j].sent);
    }
  }
  std::vector<std::uint64_t> ids;
  for (const auto& [id, turns] : held_)
    for (const auto& [turn, parts] : turns)
      for (const auto& r : parts) ids.push_back(keep(r));
  auto held = state.initHeld(static_cast<unsigned>(ids.size()));
  for (unsigned j = 0; j < held.size(); ++j) held.set(j, ids[j]);
}

void reply::restore(context& ctx, state_reader& from) {
  out_.attach(ctx);
  const auto kept = [&](std::uint64_t id) {
    const auto object = out_.sockets().kept().get(id);
    auto* what = dynamic_cast<replies*>(object.get());
    if (!what) throw std::runtime_error("answers that are not written yet are not kept any more");
    return payload_ptr<replies>::share(what);
  };
  const auto state = from.root<ReplyState>();
  for (const auto saved : state.getOutputs()) {
    std::vector<outgoing> queue;
    for (const auto one : saved.getAnswers()) {
      queue.push_back({kept(one.getKept()), one.getSent()});
      if (queue.back().sent > queue.back().size())
        throw std::runtime_error("more of an answer was written than there is of it");
    }
    out_.restore(saved.getConnection(), std::move(queue));
  }
  for (const auto id : state.getHeld()) hold(kept(id));
}

} // namespace instar::kv
