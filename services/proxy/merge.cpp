#include "services/proxy/merge.hpp"

#include <chrono>
#include <stdexcept>
#include <utility>

namespace instar::proxy {

namespace {

constexpr std::chrono::seconds sweep_time{1};

} // namespace

void merge::on_start(context& ctx) {
  sockets_ = &ctx.host<net::reactor>();
  look_later(ctx);
}

void merge::on_packet(context& ctx, std::size_t, packet p) {
  handed_over_.clear(); // goes on, so what it saved was not taken over
  const auto& answer = p.as<http::response>();
  if (!answer.from) return; // was answered another way
  const auto to = answer.from.on();
  const auto turn = answer.asked ? answer.asked->turn() : std::nullopt;
  if (!turn) return ctx.emit_packet(out.index, std::move(p)); // has not come by way of `cond`
  if (*turn != to->turn()) return hold(ctx, *turn, std::move(p));
  to->next_turn();
  ctx.emit_packet(out.index, std::move(p));
  const auto waiting = held_.find(to->id());
  if (waiting == held_.end()) return;
  auto& all = waiting->second;
  for (auto next = all.find(to->turn()); next != all.end(); next = all.find(to->turn())) {
    to->next_turn();
    ctx.emit_packet(out.index, std::move(next->second));
    all.erase(next);
  }
  if (all.empty()) held_.erase(waiting);
}

void merge::hold(context& ctx, std::uint32_t turn, packet p) {
  const auto to = p.as<http::response>().from.on();
  auto& all = held_[to->id()];
  all.emplace(turn, std::move(p));
  std::uint64_t bytes = 0;
  for (const auto& [its_turn, one] : all) {
    const auto& body = one.as<http::response>().body;
    if (body.bytes()) bytes += body.size();
  }
  if (bytes > most_early_) held_.erase(to->id()); // whose requests are lost with that
  look_later(ctx);
}

/// Only while some answer waits for another.
void merge::look_later(context& ctx) {
  if (sweeps_ || held_.empty()) return;
  sweeps_ = true;
  ctx.set_timer(sweep_time, 0);
}

/// Where a request was lost by an error its connection is broken off; nobody waits there any more.
void merge::on_timer(context& ctx, std::uint64_t) {
  sweeps_ = false;
  std::erase_if(held_, [](const auto& one) {
    return one.second.begin()->second.template as<http::response>().from->finished();
  });
  look_later(ctx);
}

std::optional<std::string> merge::not_yet(context&, cut_purpose purpose) {
  if (purpose == cut_purpose::hand_over || held_.empty()) return std::nullopt;
  return "answers of " + std::to_string(held_.size()) + " connections wait for others before them";
}

void merge::save(state_writer& into) const {
  handed_over_.clear();
  if (into.purpose() == save_purpose::checkpoint) return; // connections end with the process
  auto state = into.init<MergeState>();
  state.setSweeps(sweeps_);
  std::size_t count = 0;
  for (const auto& [id, all] : held_) count += all.size();
  auto list = state.initHeld(static_cast<unsigned>(count));
  unsigned i = 0;
  for (const auto& [id, all] : held_)
    for (const auto& [turn, p] : all) {
      handed_over_.push_back(sockets_->kept().put(p.body));
      auto entry = list[i++];
      entry.setAnswer(handed_over_.back().id());
      entry.setKey(p.key);
    }
}

void merge::restore(context& ctx, state_reader& from) {
  sockets_ = &ctx.host<net::reactor>();
  const auto state = from.root<MergeState>();
  sweeps_ = state.getSweeps();
  for (const auto one : state.getHeld()) {
    const auto kept = sockets_->kept().get(one.getAnswer());
    auto* answer = dynamic_cast<http::response*>(kept.get());
    if (!answer || !answer->from || !answer->asked || !answer->asked->turn())
      throw std::runtime_error("an answer that waits for its turn is not kept any more");
    held_[answer->from->id()].emplace(*answer->asked->turn(), packet{kept, one.getKey()});
  }
}

} // namespace instar::proxy
