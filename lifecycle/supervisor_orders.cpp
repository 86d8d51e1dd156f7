// The supervisor's side towards those who ask: what is admitted, whose turn it is, what is given
// up.
#include "lifecycle/supervisor.hpp"

#include <algorithm>
#include <utility>

namespace instar {

/// Why it is not even queued; empty if it may be.
std::string supervisor::admit(transition_order& order) {
  if (stopping_) return "the service is stopping; start it again to change it";
  if (queue_.size() >= setup_.options->max_queued_transitions && !order.stops)
    return std::to_string(queue_.size()) +
           " transitions are waiting already, which is the limit; ask again later";
  auto* back = std::get_if<rollback_to>(&order.wanted);
  if (!back || back->epoch != 0) return {};
  // Whoever asks means what runs now, not what will when the turn comes.
  const auto former = versions_.former();
  if (!former) return former.error().message;
  back->epoch = *former;
  return {};
}

void supervisor::on_order(const order_message& m) {
  auto& order = *m.order;
  order.id = ++last_id_;
  if (order.accepted) order.accepted(order.id);
  if (auto reason = admit(order); !reason.empty()) {
    history_entry refused;
    refused.outcome = transition_outcome::refused;
    refused.reason = std::move(reason);
    return record(std::move(refused), order);
  }
  if (order.stops) stopping_ = true;
  queue_.push(m.order);
  start_next();
}

void supervisor::on_cancel(const cancel_message& m) {
  const auto reason = "cancelled by " + m.which.who;
  // The latest first, so that none begins because the one before it has ended.
  auto ids = queue_.ids();
  for (const auto& [epoch, now] : active_) ids.push_back(now.order->id);
  std::sort(ids.rbegin(), ids.rend());
  std::vector<cancel_answer> answers;
  if (m.which.id != 0) {
    answers.push_back({m.which.id, cancel(m.which.id, reason)});
  } else if (!m.which.all && ids.size() != 1) {
    answers.push_back({0, ids.empty() ? "no transition runs or waits"
                                      : std::to_string(ids.size()) +
                                            " transitions run or wait; name one of those that "
                                            "`instarctl status` lists, or all"});
  } else {
    for (const auto id : ids) answers.push_back({id, cancel(id, reason)});
  }
  m.done(std::move(answers));
}

/// Returns why it cannot be; empty if it has been given up.
std::string supervisor::cancel(std::uint64_t id, const std::string& reason) {
  const auto name = "transition " + std::to_string(id);
  const auto stops = name + " stops the service; that cannot be cancelled";
  if (auto order = queue_.find(id)) {
    if (order->stops) return stops;
    queue_.remove(id);
    history_entry entry;
    entry.outcome = transition_outcome::refused;
    entry.what = describe(order->wanted);
    entry.reason = reason;
    record(std::move(entry), *order);
    start_next();
    return {};
  }
  for (auto& [epoch, now] : active_) {
    if (now.order->id != id) continue;
    if (now.order->stops) return stops;
    if (now.state.decided())
      return name + " has been committed; `instarctl rollback` takes the service back";
    give_up(now, reason);
    return {};
  }
  for (const auto& entry : history_)
    if (entry.id == id) return name + " has ended already: " + to_string(entry.outcome);
  return name + " neither runs nor waits; `instarctl status` lists those that do";
}

void supervisor::start_next() {
  // What starts may end at once, and then asks for the next.
  start_again_ = true;
  if (starting_) return;
  starting_ = true;
  while (std::exchange(start_again_, false)) start_those_that_may();
  starting_ = false;
}

/// Nobody overtakes one that it overlaps with, nor one that is about the whole graph.
void supervisor::start_those_that_may() {
  // Those before `place` go on waiting.
  for (std::size_t place = 0; place < queue_.size();) {
    auto& waiting = queue_.at(place);
    const bool first = active_.empty() && place == 0;
    if (!first && !waiting.order->updates()) return;
    const bool in_vain = waiting.touches && waiting.as_of == versions_.generation();
    if (!first && in_vain && !may_start(*waiting.touches, place)) {
      ++place;
      continue;
    }
    const auto began = transition::clock::now();
    auto what = waiting.order->stops
                    ? planner_.make_stop()
                    : planner_.make(waiting.order->wanted, waiting.order->drop_state);
    // Before its turn it may be refused only for what those before it are about to change.
    if (!first && what.plan.refused()) return;
    if (!first && !may_start(what.touches, place)) {
      waiting.as_of = what.as_of;
      waiting.touches = std::move(what.touches);
      ++place;
      continue;
    }
    start(queue_.take(place), std::move(what), transition::clock::now() - began);
  }
}

/// Whether an order with these touches may start before the ones at the first places, which have
/// been planned, in vain.
bool supervisor::may_start(footprint& touches, std::size_t places) {
  std::vector<const footprint*> running, ahead;
  for (std::size_t i = 0; i < places; ++i) ahead.push_back(&*queue_.at(i).touches);
  if (!active_.empty()) planner_.complete(touches);
  for (auto& [epoch, now] : active_) {
    planner_.complete(now.what.touches);
    running.push_back(&now.what.touches);
  }
  return instar::may_start(touches, running, ahead);
}

} // namespace instar
