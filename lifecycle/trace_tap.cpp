#include "lifecycle/trace_tap.hpp"

#include "actors/context.hpp"

#include <stdexcept>
#include <utility>

namespace instar {

trace_tap::trace_tap(const settings& values)
    : delay_(values.duration("delay")),
      most_held_(static_cast<std::size_t>(values.integer("held"))), drop_(values.number("drop")),
      random_(static_cast<std::uint64_t>(values.integer("seed"))) {
  if (!(drop_ >= 0 && drop_ <= 1)) throw std::invalid_argument("drop is not within 0 to 1");
  if (delay_ < delay_.zero() || delay_ > std::chrono::hours(1))
    throw std::invalid_argument("delay is not within 0s to 1h");
  if (values.integer("held") < 1 || values.integer("held") > 1'000'000)
    throw std::invalid_argument("held is not within 1 to 1000000");
}

trace_tap::~trace_tap() {
  if (box_) box_->detach();
}

void trace_tap::on_start(context& ctx) {
  box_ = ctx.host<trace_hub>().find(ctx.name());
  if (box_) box_->attach();
}

bool trace_tap::chosen_to_drop() {
  if (drop_ == 0) return false;
  constexpr double unit = 1.0 / 9007199254740992.0; // 2^-53: the same choices everywhere
  return static_cast<double>(random_() >> 11) * unit < drop_;
}

void trace_tap::note(const packet& p, bool dropped) {
  const auto now = std::chrono::steady_clock::now();
  const auto since =
      last_.time_since_epoch().count() == 0 ? std::chrono::nanoseconds(-1) : now - last_;
  last_ = now;
  headers_.push_back({now, since, p.key, p.body ? p.body->type_name() : "", dropped});
}

void trace_tap::on_packet(context& ctx, std::size_t, packet p) {
  const bool dropped = chosen_to_drop();
  if (box_) note(p, dropped);
  if (dropped) return;
  if (delay_ == delay_.zero()) return ctx.emit_packet(out.index, std::move(p));
  held_.push_back({std::move(p), activation_});
  say_what_is_kept(ctx);
}

/// What came in one activation leaves together: one timer does for all of it.
void trace_tap::on_timer(context& ctx, std::uint64_t activation) {
  while (!held_.empty() && held_.front().activation <= activation) {
    ctx.emit_packet(out.index, std::move(held_.front().content));
    held_.pop_front();
  }
  say_what_is_kept(ctx);
}

void trace_tap::on_activation_end(context& ctx) {
  if (box_ && !headers_.empty()) box_->hand_over(headers_);
  if (held_.empty() || held_.back().activation != activation_) return;
  ctx.set_timer(delay_, activation_++);
}

void trace_tap::say_what_is_kept(context& ctx) const {
  ctx.keep(held_.empty()                ? context::keeping::nothing
           : held_.size() >= most_held_ ? context::keeping::full
                                        : context::keeping::some);
}

} // namespace instar
