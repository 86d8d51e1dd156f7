#include "lifecycle/order_queue.hpp"

#include <algorithm>
#include <utility>

namespace instar {

std::string describe(const wanted_graph& wanted) {
  if (const auto* whole = std::get_if<graph>(&wanted))
    return whole->origin.empty() ? "graph " + whole->name : whole->origin.string();
  if (const auto* back = std::get_if<rollback_to>(&wanted))
    return "back to epoch " + std::to_string(back->epoch);
  if (const auto* edit = std::get_if<graph_edit>(&wanted)) return describe(*edit);
  if (std::holds_alternative<checkpoint_wish>(wanted)) return "checkpoint";
  constexpr std::size_t most = 8;
  const auto& updates = std::get<std::vector<operator_update>>(wanted);
  std::string text;
  for (std::size_t i = 0; i < updates.size() && i < most; ++i)
    text += (i ? ", " : "") + updates[i].name + ": -> " + updates[i].type + "@" +
            std::to_string(updates[i].version);
  if (updates.size() > most) text += ", and " + std::to_string(updates.size() - most) + " more";
  return text;
}

order_queue::order_ptr order_queue::take(std::size_t place) {
  const auto at = waiting_.begin() + static_cast<std::ptrdiff_t>(place);
  auto taken = std::move(at->order);
  waiting_.erase(at);
  return taken;
}

order_queue::order_ptr order_queue::find(std::uint64_t id) const {
  const auto found = std::find_if(waiting_.begin(), waiting_.end(),
                                  [&](const entry& e) { return e.order->id == id; });
  return found == waiting_.end() ? nullptr : found->order;
}

order_queue::order_ptr order_queue::remove(std::uint64_t id) {
  for (std::size_t i = 0; i < waiting_.size(); ++i)
    if (waiting_[i].order->id == id) return take(i);
  return nullptr;
}

std::vector<std::uint64_t> order_queue::ids() const {
  std::vector<std::uint64_t> all;
  for (const auto& e : waiting_) all.push_back(e.order->id);
  return all;
}

void order_queue::describe(std::vector<transition_status>& into) const {
  for (const auto& [o, touches, as_of] : waiting_) {
    transition_status s;
    s.id = o->id;
    s.who = o->who;
    s.what = o->stops ? "stop" : instar::describe(o->wanted);
    s.step = "waiting";
    into.push_back(std::move(s));
  }
}

} // namespace instar
