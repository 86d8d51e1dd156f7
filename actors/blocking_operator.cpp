#include "actors/blocking_operator.hpp"

#include "actors/blocking_thread.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <stdexcept>
#include <thread>
#include <utility>

namespace instar {

namespace {

/// How often a thread that has to come to rest is looked at.
constexpr std::chrono::milliseconds watch_interval{1};
constexpr std::uint64_t watch_token = 0x7761746368; // of no timer but this

/// Whoever destroys the operator waits so long for its thread.
constexpr std::chrono::seconds end_patience{10};

/// What waited for a thread whose `run` threw, on its way to the instance that goes on: this one,
/// or a new one. An event of the place, which both find.
struct waiting_packets final : payload {
  std::string_view type_name() const noexcept override { return "instar.waiting"; }
  std::deque<blocking_context::input> packets;
};

/// A stack takes a while to name, and does not change often: looked at again ten times later.
bool is_power_of_ten(std::size_t n) {
  while (n >= 10 && n % 10 == 0) n /= 10;
  return n == 1;
}

} // namespace

blocking_operator::blocking_operator(rest_place rests)
    : thread_(std::make_unique<blocking_thread>(rests)) {}

blocking_operator::~blocking_operator() = default;

void blocking_operator::on_start(context& ctx) {
  // Before the first packet: what an instance that failed had not taken comes first.
  std::vector<event> early;
  ctx.events()->take(early);
  take_back(early);
  take_room(ctx, thread_->room());
  thread_->start(*this, {std::string(ctx.name()), ctx.epoch(), ctx.offered(), ctx.events()});
}

// -- packets --------------------------------------------------------------------------------------

void blocking_operator::on_packet(context& ctx, std::size_t port, packet p) {
  came_.push_back({port, std::move(p)});
  if (came_.size() >= room_) publish(ctx);
}

void blocking_operator::on_activation_end(context& ctx) {
  if (!came_.empty()) publish(ctx);
}

void blocking_operator::publish(context& ctx) { take_room(ctx, thread_->give(came_)); }

void blocking_operator::take_room(context& ctx, std::size_t room) {
  room_ = room;
  ctx.keep(room > 0 ? context::keeping::nothing : context::keeping::no_room);
}

void blocking_operator::on_events(context& ctx, std::span<event> events) {
  take_back(events);
  auto out = thread_->take();
  for (const auto& [level, line] : out.lines) ctx.log(level, line);
  for (auto& [output, p] : out.packets) ctx.emit_packet(output, std::move(p));
  if (out.stop) ctx.stop_service(*out.stop);
  take_room(ctx, thread_->room());
  throw_what_run_threw(ctx);
}

void blocking_operator::take_back(std::span<event> events) {
  for (auto& e : events)
    if (auto* const left = dynamic_cast<waiting_packets*>(e.source.get()))
      thread_->go_on_after_failure(std::move(left->packets));
}

void blocking_operator::throw_what_run_threw(context& ctx) {
  auto failure = thread_->take_failure();
  if (!failure) return;
  auto left = make_payload<waiting_packets>();
  left->packets = std::move(failure->waiting);
  ctx.events()->post({std::move(left), 0});
  throw std::runtime_error(failure->what);
}

// -- the cut --------------------------------------------------------------------------------------

/// All threads come to rest at the same time, and not one after the other as the markers come.
void blocking_operator::on_cut_ahead(context&) {
  if (!thread_->started()) return;
  purpose_ = cut_purpose::hand_over;
  thread_->begin_to_rest();
}

std::optional<std::string> blocking_operator::not_yet(context& ctx, cut_purpose purpose) {
  if (!thread_->started()) return std::nullopt;
  purpose_ = purpose;
  if (!came_.empty()) publish(ctx);
  if (!thread_->rest(purpose)) return watch(ctx);
  if (!all_left_over()) {
    thread_->finish_waiting();
    return watch(ctx);
  }
  take_room(ctx, thread_->room());
  end_watch(ctx);
  return std::nullopt;
}

bool blocking_operator::all_left_over() {
  while (auto* const one = thread_->oldest()) {
    if (!left_over(one->port, one->what)) return false;
    thread_->drop_oldest();
  }
  return true;
}

std::string blocking_operator::watch(context& ctx) {
  if (watch_ == 0) watch_ = ctx.set_timer(watch_interval, watch_token);
  return where_;
}

void blocking_operator::on_timer(context&, std::uint64_t token) {
  constexpr std::size_t patience = 14; // looks
  if (token != watch_token || watch_ == 0) return;
  watch_ = 0;
  thread_->nudge();
  if (++looks_ == 1) where_ = "its thread is asked to come to rest";
  if (looks_ >= 10 && is_power_of_ten(looks_)) {
    thread_->ask_where();
    asked_where_ = true;
  }
  // One that waits for a processor, too, answers late: till then all is told but its stack.
  const bool answers = asked_where_ && thread_->has_told_where();
  if (answers || looks_ == patience)
    where_ = "its thread does not come to rest: it " + thread_->where();
  if (answers) asked_where_ = false;
}

void blocking_operator::end_watch(context& ctx) {
  if (watch_ != 0) ctx.cancel_timer(watch_);
  watch_ = 0;
  looks_ = 0;
  asked_where_ = false;
  where_.clear();
}

void blocking_operator::on_go_on(context& ctx) {
  end_watch(ctx);
  thread_->go_on(std::string(ctx.name()));
}

bool blocking_operator::at_end() noexcept {
  try {
    if (thread_->end(end_patience)) return true;
    thread_->ask_where();
    std::this_thread::sleep_for(10 * watch_interval);
    spdlog::error("an operator that has ended has a thread that does not come to rest and is left "
                  "behind: it {}",
                  thread_->where());
  } catch (...) {
  }
  return false;
}

} // namespace instar
