#include "actors/call_seat.hpp"

#include <algorithm>
#include <utility>

namespace instar {

namespace {

/// Of the timer after which a seat that was closed for its successor serves again: it runs out
/// only if there has been no commit.
constexpr std::uint64_t return_token = 0x63616c6c20736561;
constexpr std::chrono::milliseconds return_after{1};

/// Calls are held up so long to see whether all of them end, and then not for a while.
constexpr std::chrono::milliseconds patience{2}, until_next_look{20};

/// Who has handed over is destroyed when its successor runs, but may not serve yet.
constexpr std::chrono::seconds heir_comes_within{1};

std::uint64_t now() {
  return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

} // namespace

call_seat::call_seat(const settings& values)
    : port_name_(values.text("port")),
      observe_every_(std::max<std::chrono::nanoseconds>(values.duration("observe_every"),
                                                        std::chrono::milliseconds(1))) {}

call_seat::~call_seat() {
  if (port_) port_->give_up(this, heir_comes_within);
}

void call_seat::begin(context& ctx, std::shared_ptr<call_port> at, void* object,
                      std::vector<metric_description> counted) {
  auto& all = ctx.host<metrics>();
  port_ = std::move(at);
  seen_.assign(counted.size(), 0);
  metrics_ = all.make(std::move(counted));
  show(); // the port has counted on: nobody sees the numbers begin again
  shown_ = all.show(ctx.name(), metrics_);
  tick_ = now();
  ctx.set_timer(observe_every_, tick_);
  port_->open(this, object);
}

void call_seat::show() {
  for (std::size_t i = 0; i < seen_.size(); ++i) {
    const auto counted = port_->counted(i);
    metrics_->add(i, counted - std::exchange(seen_[i], counted));
  }
}

bool call_seat::on_timer(context& ctx, std::uint64_t token) {
  if (token == return_token) {
    returns_ = false;
    if (port_) port_->reopen(this);
    return true;
  }
  if (token != tick_ || !port_) return false;
  show();
  ctx.set_timer(observe_every_, tick_);
  return true;
}

std::optional<std::string> call_seat::not_yet(context& ctx) {
  if (!port_) return std::nullopt;
  const bool ends = port_->try_close(this, patience);
  if (ends) port_->reopen(this);
  if (!std::exchange(returns_, true))
    ctx.set_timer(ends ? return_after : until_next_look, return_token);
  if (ends) return std::nullopt;
  return "a call at its port '" + port_->name() + "' has not returned";
}

void call_seat::close() const noexcept {
  if (port_) port_->close(this);
}

} // namespace instar
