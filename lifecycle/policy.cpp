#include "lifecycle/policy.hpp"

#include <algorithm>
#include <utility>

namespace instar {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t most_events = 32;
constexpr std::chrono::nanoseconds hour = 1h;
constexpr std::chrono::nanoseconds least_back_off = 1s;

std::string time_text(std::chrono::nanoseconds time) {
  return value_text(std::chrono::duration<double>(time).count(), policy_unit::time);
}

bool runs(const std::vector<operator_update>& updates, const service_status& now) {
  return std::all_of(updates.begin(), updates.end(), [&](const operator_update& u) {
    const auto reference = u.type + "@" + std::to_string(u.version);
    bool found = false;
    for (const auto& o : now.operators) {
      if (o.name != u.name && o.replica_of != u.name) continue;
      if (o.reference != reference) return false;
      found = true;
    }
    return found;
  });
}

bool runs(const policy_action& action, const service_status& now) {
  return action.graph.empty() ? runs(action.updates, now)
                              : action.graph == std::filesystem::path(now.graph_file);
}

/// What of the operators that an action is about runs.
std::string running(const policy_action& action, const service_status& now) {
  if (!action.graph.empty()) return "the graph is that of " + now.graph_file;
  std::string made;
  for (const auto& u : action.updates) {
    const auto found =
        std::find_if(now.operators.begin(), now.operators.end(), [&](const operator_status& o) {
          return o.name == u.name || o.replica_of == u.name;
        });
    made += (made.empty() ? "" : ", ") + (found == now.operators.end()
                                              ? "there is no operator '" + u.name + "'"
                                              : "'" + u.name + "' is " + found->reference);
  }
  return made;
}

} // namespace

const char* to_string(policy_place place) {
  switch (place) {
  case policy_place::home:
    return "home";
  case policy_place::there:
    return "there";
  case policy_place::elsewhere:
    break;
  }
  return "elsewhere";
}

seen_place place_in(const policy_rule& rule, const service_status& now) {
  if (runs(rule.there.action, now)) return {policy_place::there, {}};
  if (!rule.returns() || runs(rule.back.action, now)) return {policy_place::home, {}};
  return {policy_place::elsewhere, running(rule.there.action, now)};
}

policy::policy(policy_rule rule) : rule_(std::move(rule)), paused_(rule_.paused) {
  for (const auto& metric : rule_.metrics) windows_.emplace_back(rule_.window, metric.quantile);
  if (!paused_) return;
  paused_by_ = "its settings";
  state_ = "paused by " + paused_by_;
}

/// Where it may go from here.
const policy_way* policy::way() const {
  if (place_ == policy_place::home) return &rule_.there;
  if (place_ == policy_place::there && rule_.returns()) return &rule_.back;
  return nullptr;
}

void policy::note(time_point now, policy_event what) {
  events_.push_back({now, std::move(what)});
  if (events_.size() > most_events) events_.pop_front();
}

/// What was measured before belongs to what ran before.
void policy::arrive(time_point now, policy_place at) {
  place_ = at;
  changed_ = now;
  refusals_ = 0;
  retry_at_.reset();
  since_.reset();
  for (auto& w : windows_) w.clear();
}

void policy::note_place(time_point now, const seen_place& seen) {
  elsewhere_ = seen.why;
  if (place_ == seen.place) return;
  if (!place_) {
    place_ = seen.place;
    return;
  }
  const std::string from = to_string(*place_);
  arrive(now, seen.place);
  note(now, {{}, "changed", {}, "somebody else: " + from + " -> " + to_string(seen.place), {}, {}});
}

std::optional<policy::request> policy::look(time_point now, std::vector<metric_reading> readings,
                                            const seen_place& seen) {
  if (asked_) return std::nullopt;
  note_place(now, seen);
  for (std::size_t i = 0; i < windows_.size(); ++i) windows_[i].add(now, std::move(readings[i]));
  measure();
  look_for_trouble();
  const bool holds = valued_ && std::all_of(measures_.begin(), measures_.end(),
                                            [](const policy_measure& m) { return m.holds; });
  if (!holds || paused_) since_.reset();
  else if (!since_) since_ = now;
  state_ = obstacle(now);
  if (!state_.empty()) return std::nullopt;
  const auto* to = way();
  request made{place_ == policy_place::home ? policy_place::there : policy_place::home, to->action,
               cause(now)};
  asked_ = made.to;
  state_ = "what it asked for is on its way";
  note(now, {{},
             made.to == policy_place::there ? "there" : "back",
             made.action.text(),
             made.cause,
             {},
             {}});
  return made;
}

void policy::measure() {
  std::vector<metric_window::value> values;
  for (const auto& w : windows_) values.push_back(w.look());
  measures_.clear();
  const auto* to = way();
  valued_ = to != nullptr;
  if (!to) return;
  for (const auto& one : to->when.all) {
    const auto value = one.evaluate(values);
    policy_measure m{one.expression,
                     to_string(one.is),
                     std::string(to_string(one.unit)),
                     one.threshold,
                     value.number,
                     value.why_not,
                     {},
                     false};
    m.holds = value.number && one.holds(*value.number);
    m.text = one.expression + " is " +
             (value.number ? value_text(*value.number, one.unit) : "unknown") + " (" + m.relation +
             " " + value_text(one.threshold, one.unit) + ")";
    valued_ = valued_ && value.number.has_value();
    measures_.push_back(std::move(m));
  }
}

/// A metric that the condition needs and that is not there: a mistake in the rule, if it stays so.
void policy::look_for_trouble() {
  const auto before = std::exchange(trouble_, {});
  if (const auto* to = way())
    for (const auto& one : to->when.all)
      for (const auto& step : one.steps)
        if (step.what == comparison::action::take && !windows_[step.metric].missing().empty())
          trouble_ = rule_.metrics[step.metric].text() + ": " + windows_[step.metric].missing();
  troubled_looks_ = trouble_.empty() || trouble_ != before ? 0 : troubled_looks_ + 1;
}

/// Why it asks for nothing now; empty if it does.
std::string policy::obstacle(time_point now) const {
  if (paused_) return "paused by " + paused_by_;
  if (place_ == policy_place::elsewhere)
    return "neither side of it runs" + (elsewhere_.empty() ? "" : ": " + elsewhere_);
  const auto* to = way();
  if (!to) return "it is there, and its rule has no way back";
  for (const auto& m : measures_)
    if (!m.value) return "no value of " + m.expression + ": " + m.why_not;
  if (!since_) return "the condition does not hold";
  if (now - *since_ < to->hold)
    return "the condition holds for " + time_text(now - *since_) + " of " + time_text(to->hold);
  if (changed_ && now - *changed_ < rule_.cool_down)
    return "cool-down, " + time_text(rule_.cool_down - (now - *changed_)) + " more";
  if (retry_at_ && now < *retry_at_)
    return "was refused or rolled back " + std::to_string(refusals_) + " times, asks again in " +
           time_text(*retry_at_ - now);
  return hour_obstacle(now);
}

std::size_t policy::changes_within_hour(time_point now) const {
  return static_cast<std::size_t>(std::count_if(changes_.begin(), changes_.end(),
                                                [&](time_point at) { return now - at < hour; }));
}

/// One is kept for the way back, so that it never has to stay there for the limit's sake.
std::string policy::hour_obstacle(time_point now) const {
  const std::size_t needed = place_ == policy_place::home && rule_.returns() ? 2 : 1;
  const auto made = changes_within_hour(now);
  if (made + needed <= rule_.per_hour) return {};
  // Room comes when the oldest that is too many is an hour old.
  const auto index = changes_.size() - std::min(changes_.size(), rule_.per_hour + 1 - needed);
  const auto wait = index < changes_.size() ? hour - (now - changes_[index]) : hour;
  return std::to_string(made) + " changes were made within an hour of " +
         std::to_string(rule_.per_hour) + " allowed" +
         (needed == 2 ? ", one is kept for the way back" : "") + "; next in " + time_text(wait);
}

std::string policy::cause(time_point now) const {
  std::string text;
  for (const auto& m : measures_) text += (text.empty() ? "" : " and ") + m.text;
  return text + " for " + time_text(now - *since_);
}

void policy::refuse(time_point now) {
  const auto first = std::max(rule_.cool_down, least_back_off);
  auto wait = first;
  for (std::uint32_t i = 0; i < refusals_ && wait < hour; ++i) wait *= 2;
  ++refusals_;
  retry_at_ = now + std::min(wait, std::max(hour, first));
  since_.reset();
}

/// What was asked for last, if it has no outcome yet.
policy_event* policy::open_event() {
  const auto last = std::find_if(events_.rbegin(), events_.rend(), [](const event& e) {
    return e.what.kind == "there" || e.what.kind == "back";
  });
  return last == events_.rend() || !last->what.outcome.empty() ? nullptr : &last->what;
}

void policy::withdraw(const std::string& why) {
  asked_.reset();
  since_.reset();
  state_ = why;
  if (auto* told = open_event()) {
    told->outcome = "withdrawn";
    told->reason = why;
  }
}

void policy::on_outcome(time_point now, const history_entry& outcome) {
  if (!asked_) return;
  const auto to = *std::exchange(asked_, std::nullopt);
  const bool committed = outcome.outcome == transition_outcome::committed;
  if (auto* told = open_event()) {
    told->outcome = to_string(outcome.outcome);
    told->reason = outcome.reason;
    told->transition = outcome.id;
    told->epoch = outcome.epoch;
  }
  if (!committed && outcome.outcome != transition_outcome::unchanged) {
    refuse(now);
    state_ = std::string(to_string(outcome.outcome)) + ": " + outcome.reason;
    return;
  }
  arrive(now, to);
  if (committed) changes_.push_back(now);
  while (!changes_.empty() && now - changes_.front() >= hour) changes_.pop_front();
  state_ = "cool-down";
}

void policy::pause(time_point now, bool paused, const std::string& who) {
  if (paused == paused_) return;
  paused_ = paused;
  paused_by_ = paused ? who : std::string();
  since_.reset();
  state_ = paused ? "paused by " + who : "it has just been resumed";
  note(now, {{}, paused ? "paused" : "resumed", {}, "by " + who, {}, {}});
}

// -- state ----------------------------------------------------------------------------------------

policy_memory policy::save(time_point now) const {
  policy_memory made;
  made.paused = paused_;
  made.paused_by = paused_by_;
  made.paused_setting = rule_.paused;
  for (const auto at : changes_) made.changes.push_back(now - at);
  if (changed_) made.changed = now - *changed_;
  made.refusals = refusals_;
  if (retry_at_ && *retry_at_ > now) made.retry_in = *retry_at_ - now;
  made.asked = asked_;
  for (const auto& e : events_) made.events.push_back({now - e.at, e.what});
  return made;
}

void policy::restore(time_point now, policy_memory from) {
  // What the settings say of it counts once, when they begin to say so.
  if (rule_.paused == from.paused_setting) {
    paused_ = from.paused;
    paused_by_ = std::move(from.paused_by);
  }
  changes_.clear();
  for (const auto age : from.changes)
    if (age < hour) changes_.push_back(now - age);
  std::sort(changes_.begin(), changes_.end());
  changed_.reset();
  if (from.changed) changed_ = now - *from.changed;
  refusals_ = from.refusals;
  retry_at_.reset();
  if (from.retry_in > 0ns) retry_at_ = now + std::min(from.retry_in, 2 * hour);
  asked_ = from.asked;
  events_.clear();
  for (auto& e : from.events) note(now - e.age, std::move(e.what));
}

// -- what it tells --------------------------------------------------------------------------------

policy_status policy::status(time_point now, std::chrono::system_clock::time_point wall) const {
  const auto moment = [&](time_point at) {
    return wall - std::chrono::duration_cast<std::chrono::system_clock::duration>(now - at);
  };
  policy_status made;
  if (place_) made.place = to_string(*place_);
  made.paused = paused_;
  made.paused_by = paused_by_;
  if (const auto* to = way()) {
    made.rule = to->when.text();
    made.asks = to->action.text();
  }
  made.state = state_;
  made.measures = measures_;
  if (since_) made.holds_since = moment(*since_);
  made.changes = static_cast<std::uint32_t>(changes_within_hour(now));
  made.per_hour = rule_.per_hour;
  made.refusals = refusals_;
  for (const auto& e : events_) {
    made.events.push_back(e.what);
    made.events.back().when = moment(e.at);
  }
  return made;
}

std::optional<std::string> policy::take_trouble() {
  constexpr unsigned lasting = 10;
  if (troubled_looks_ < lasting || trouble_ == told_trouble_) return std::nullopt;
  told_trouble_ = trouble_;
  return trouble_;
}

} // namespace instar
