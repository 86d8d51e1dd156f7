// An operator's requests to others, and its answers to theirs.
#include "actors/open_requests.hpp"
#include "actors/operator_core.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace instar {

namespace {

/// So that no deadline is beyond what a clock can say.
constexpr std::chrono::nanoseconds longest_deadline = std::chrono::hours(24 * 365);

} // namespace

/// After the arcs are known: who answers what, and which requests of before nobody answers now.
void operator_core::set_requests() {
  const auto& type = setup_.type;
  auto& requests = *setup_.place.requests;
  answers_in_.clear();
  for (const auto& in : inputs_) answers_in_.push_back(takes_answers(type, in.port));
  asking_.clear();
  routes_.assign(type.outputs.size(), {});
  std::vector<open_requests::target> targets;
  for (std::size_t port = 0; port < type.outputs.size(); ++port) {
    auto& to = targets.emplace_back();
    to.port = type.outputs[port].name;
    if (asks(type.outputs[port])) {
      if (!ports_[port].empty()) to.server = outputs_[ports_[port].front().first].link.to;
      auto& one = asking_.emplace_back();
      one.port = port;
      const auto told = static_cast<std::size_t>(type.outputs[port].answers);
      for (std::size_t in = 0; in < inputs_.size(); ++in)
        if (inputs_[in].port == told && inputs_[in].from == to.server) one.answers = in;
    } else if (gives_answers(type, port)) {
      for (const auto& to : ports_[port])
        routes_[port].push_back({outputs_[to.first].link.to, to.first});
      std::sort(routes_[port].begin(), routes_[port].end(),
                [](const route& a, const route& b) { return a.place < b.place; });
    }
  }
  requests.aim(std::move(targets));
  asks_ = !asking_.empty() || requests.ended() > 0;
  awaited_changed_ = asks_;
  set_alarm();
}

std::uint64_t operator_core::request_packet(std::size_t output, payload_ptr<payload> body,
                                            std::chrono::nanoseconds deadline,
                                            std::uint64_t token) {
  if (phase_ != phase::running) throw std::logic_error("requests may be made only after on_start");
  if (!asks(setup_.type.outputs.at(output)))
    throw std::logic_error("output '" + setup_.type.outputs[output].name +
                           "' does not ask; give the type the ports of the request_port");
  const auto due =
      host_.now() + std::clamp(deadline, std::chrono::nanoseconds(0), longest_deadline);
  const auto id = setup_.place.requests->open(output, token, due);
  awaited_changed_ = true;
  set_alarm();
  if (!ports_[output].empty())
    deliver(outputs_[ports_[output].front().first], packet{std::move(body), id});
  return id;
}

void operator_core::answer_packet(std::size_t output, std::uint64_t request,
                                  payload_ptr<payload> body) {
  if (phase_ != phase::running)
    throw std::logic_error("requests may be answered only after on_start");
  const auto& routes = routes_.at(output);
  const auto place = open_requests::place_of(request);
  const auto to = std::lower_bound(routes.begin(), routes.end(), place,
                                   [](const route& r, std::uint64_t p) { return r.place < p; });
  if (to == routes.end() || to->place != place) return;
  deliver(outputs_[to->out], packet{std::move(body), request});
}

void operator_core::take_answer(packet p) {
  const auto asked = setup_.place.requests->close(p.key);
  if (!asked) return count().late_answers.add();
  awaited_changed_ = true;
  guarded([&] { instance_->on_answer(*this, asked->port, asked->token, std::move(p)); });
}

/// Tells the operator of requests that have ended without an answer.
bool operator_core::process_requests() {
  auto& requests = *setup_.place.requests;
  if (std::exchange(alarm_rang_, false)) {
    requests.expire(host_.now());
    awaited_changed_ = true;
    set_alarm();
  }
  bool did = false;
  // Not those that it asks meanwhile: it may never have done with them.
  for (auto left = requests.ended(); left > 0 && !blocked_; --left) {
    const auto one = *requests.take_ended();
    guarded([&] { instance_->on_no_answer(*this, one.what.port, one.what.token, one.why); });
    did = true;
  }
  return did;
}

bool operator_core::requests_wait() const {
  return asks_ && (alarm_rang_ || setup_.place.requests->ended() > 0);
}

/// How many answers are still to come, for who wants to know whether a loop is empty.
void operator_core::show_awaited() {
  if (!std::exchange(awaited_changed_, false)) return;
  for (const auto& one : asking_) {
    if (one.answers == asking::none) continue;
    std::size_t sum = 0; // outputs may ask the same one, and have their answers at the same input
    for (const auto& other : asking_)
      if (other.answers == one.answers) sum += setup_.place.requests->open(other.port);
    inputs_[one.answers].queue->await(sum);
  }
}

/// A message to the clock cannot be taken back, so there is none for each request: one for the
/// earliest deadline does for all that are answered in time.
void operator_core::set_alarm() {
  const auto due = setup_.place.requests->next_due();
  if (!due || (!alarms_.empty() && alarms_.back().at <= *due)) return;
  alarms_.push_back({*due, next_id_++});
  host_.start_timer(alarms_.back().id, *due);
}

bool operator_core::alarm_rang(std::uint64_t id) {
  const auto found =
      std::find_if(alarms_.rbegin(), alarms_.rend(), [&](const alarm& a) { return a.id == id; });
  if (found == alarms_.rend()) return false;
  alarms_.erase(std::next(found).base());
  alarm_rang_ = true;
  return true;
}

} // namespace instar
