#include "lifecycle/supervisor.hpp"

#include <caf/actor_system.hpp>
#include <caf/system_messages.hpp>

#include <spdlog/spdlog.h>

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

namespace instar {

namespace {

/// All refusals of a plan in one line.
std::string one_line(const std::vector<failure>& refusals) {
  std::string line;
  for (const auto& r : refusals) line += (line.empty() ? "" : "; ") + r.message;
  return line;
}

std::string summary(const transition_plan& plan) {
  constexpr std::size_t most = 8;
  std::string text;
  std::size_t changes = 0;
  for (const auto& op : plan.operators) {
    if (op.action == operator_action::keep && !op.renamed()) continue;
    if (++changes > most) continue;
    if (!text.empty()) text += ", ";
    if (op.action == operator_action::add) text += "+ " + op.name + ": " + op.new_reference;
    else if (op.action == operator_action::remove) text += "- " + op.name;
    else if (op.action == operator_action::keep) text += op.name;
    else text += op.name + ": " + op.old_reference + " -> " + op.new_reference;
    if (op.renamed()) text += " (was " + op.old_name + ")";
  }
  if (changes > most) text += ", and " + std::to_string(changes - most) + " more";
  const auto arcs = std::count_if(plan.arcs.begin(), plan.arcs.end(),
                                  [](const arc_change& a) { return a.action != arc_action::keep; });
  if (changes == 0 && arcs > 0) text = std::to_string(arcs) + " arcs changed";
  return text;
}

std::size_t resident_bytes() {
  std::size_t total = 0, resident = 0;
  if (FILE* file = std::fopen("/proc/self/statm", "re")) {
    if (std::fscanf(file, "%zu %zu", &total, &resident) != 2) resident = 0;
    std::fclose(file);
  }
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

} // namespace

supervisor::supervisor(caf::actor_config& config, supervisor_setup setup)
    : caf::event_based_actor(config), setup_(std::move(setup)),
      started_(std::chrono::system_clock::now()) {}

supervisor::~supervisor() = default;

caf::behavior supervisor::make_behavior() {
  set_down_handler([this](const caf::down_msg& m) { on_down(m); });
  return {
      [this](const report_message& m) { on_report(m); },
      [this](const order_message& m) { on_order(m); },
      [this](const deadline_message& m) { on_deadline(m.epoch); },
      [this](const stop_message& m) {
        spdlog::error("the service has to stop: {}", m.reason);
        if (setup_.on_end) setup_.on_end(m.reason);
      },
      [this](const plan_message& m) { m.done(make(*m.wanted).plan); },
      [this](const status_message& m) { m.done(status()); },
      [this](const graph_message& m) { m.done(running_.content); },
      [this](const history_message& m) {
        m.done(std::vector<history_entry>(history_.begin(), history_.end()));
      },
  };
}

void supervisor::on_exit() {
  for (auto& [name, m] : live_.members) send(m.actor, end_message{});
  if (active_)
    for (auto& successor : active_->successors) send(successor, end_message{});
  active_.reset();
  live_ = {};
  queue_.clear();
}

// -- orders -----------------------------------------------------------------------------------

void supervisor::on_order(const order_message& m) {
  auto& order = *m.order;
  history_entry refused;
  refused.outcome = transition_outcome::refused;
  if (stopping_) refused.reason = "the service is stopping; start it again to change it";
  else if (queue_.size() >= setup_.options->max_queued_transitions && !order.stops)
    refused.reason = std::to_string(queue_.size()) +
                     " transitions are waiting already, which is the limit; ask again later";
  if (!refused.reason.empty()) return record(std::move(refused), order);
  if (order.stops) stopping_ = true;
  queue_.push_back(m.order);
  start_next();
}

void supervisor::start_next() {
  while (!active_ && !queue_.empty()) {
    auto order = std::move(queue_.front());
    queue_.pop_front();
    start(std::move(order));
  }
}

result<graph> supervisor::resolve(const wanted_graph& wanted) const {
  if (const auto* whole = std::get_if<graph>(&wanted)) return *whole;
  graph changed = given_;
  for (const auto& update : std::get<std::vector<operator_update>>(wanted)) {
    auto found = std::find_if(changed.operators.begin(), changed.operators.end(),
                              [&](const operator_node& op) { return op.name == update.name; });
    if (found == changed.operators.end())
      return failure{errc::not_found, "operator '" + update.name +
                                          "' is not in the running graph; `instarctl graph` lists "
                                          "its operators"};
    found->type = update.type;
    found->version = update.version;
  }
  return changed;
}

supervisor::planned supervisor::make(const wanted_graph& wanted) {
  planned made;
  auto target = resolve(wanted);
  if (!target) {
    made.plan.refusals.push_back(target.error());
    return made;
  }
  made.given = std::move(*target);
  setup_.library->set_places(made.given.modules);
  auto check = check_graph(made.given, [this](std::string_view type, std::uint32_t version) {
    return setup_.library->describe(type, version);
  });
  if (!check.mistakes.empty()) {
    made.plan.refusals = std::move(check.mistakes);
    return made;
  }
  made.wanted = {std::move(check.checked), std::move(check.types)};
  made.plan = make_plan(running_, made.wanted);
  return made;
}

void supervisor::start(std::shared_ptr<transition_order> order) {
  const auto began = transition::clock::now();
  history_entry entry;
  auto what = order->stops ? planned{make_plan(running_, {}), {}, {}} : make(order->wanted);
  entry.what = summary(what.plan);
  if (what.plan.refused()) {
    entry.outcome = transition_outcome::refused;
    entry.reason = one_line(what.plan.refusals);
    return record(std::move(entry), *order);
  }
  if (what.plan.empty()) {
    entry.outcome = transition_outcome::unchanged;
    entry.epoch = epoch_;
    if (!order->stops) {
      given_ = std::move(what.given);
      running_.content = std::move(what.wanted.content);
    } else {
      stopped_ = true;
    }
    return record(std::move(entry), *order);
  }
  entry.epoch = ++last_epoch_;
  const auto now = transition::clock::now();
  entry.steps.push_back({"plan", now - began});
  transition state(entry.epoch, what.plan, now);
  active_.emplace(
      active{std::move(order), std::move(what), std::move(entry), {}, std::move(state), {}, {}});
  const auto deadline =
      active_->order->deadline.count() > 0 ? active_->order->deadline : setup_.options->deadline;
  delayed_send(this, deadline, deadline_message{active_->state.epoch()});
  if (auto done = prepare(); !done) act(active_->state.give_up(done.error().message, now));
  else act(active_->state.proceed(transition::clock::now()));
}

// -- prepare ----------------------------------------------------------------------------------

result<void> supervisor::prepare() {
  auto& now = *active_;
  std::map<std::string, operator_factory> factories;
  for (const auto& op : now.what.plan.operators) {
    if (op.action != operator_action::add && op.action != operator_action::replace) continue;
    const auto& type = now.what.wanted.types.find(op.name)->second;
    auto factory = setup_.library->load(type.name, type.version);
    if (!factory)
      return failure{factory.error().code,
                     "operator '" + op.name + "': " + factory.error().message};
    factories.emplace(op.name, std::move(*factory));
  }
  now.after = live_.next(now.what.plan, now.what.wanted);
  if (auto done = spawn_successors(factories); !done) return done;
  tell_parts();
  return {};
}

result<void>
supervisor::spawn_successors(const std::map<std::string, operator_factory>& factories) {
  auto& now = *active_;
  auto links = now.after.all_links(now.what.wanted);
  for (const auto& [name, factory] : factories) {
    auto& member = now.after.members.find(name)->second;
    const auto& node = *now.what.wanted.content.find(name);
    operator_setup setup{member.place,
                         now.what.wanted.types.find(name)->second,
                         factory,
                         node.values,
                         node.on_error,
                         now.state.epoch(),
                         setup_.options->activation_limit};
    member.actor = system().spawn<runner>(std::move(setup), std::move(links[name]),
                                          *setup_.environment, caf::actor_cast<caf::actor>(this));
    member.since = now.state.epoch();
    monitor(member.actor);
    now.successors.push_back(member.actor);
    send(member.actor, create_message{});
  }
  return {};
}

void supervisor::tell_parts() {
  auto& now = *active_;
  std::map<std::string, caf::actor> successors; // by running name
  for (const auto& op : now.what.plan.operators)
    if (op.action == operator_action::replace)
      successors.emplace(op.before(), now.after.members.find(op.name)->second.actor);
  for (auto& [name, part] :
       live_.parts(now.what.plan, now.after, now.what.wanted, now.state.epoch())) {
    const auto& old = live_.members.find(name)->second.actor;
    caf::actor successor;
    if (part.role == cut_role::replace) successor = successors.find(name)->second;
    now.told.push_back(old);
    send(old, prepare_message{std::move(part), std::move(successor)});
  }
}

// -- mark, commit, retire ---------------------------------------------------------------------

void supervisor::on_report(const report_message& m) {
  if (!active_ || m.epoch != active_->state.epoch()) return;
  act(active_->state.on_report(m, transition::clock::now()));
}

void supervisor::act(transition::action what) {
  switch (what) {
  case transition::action::none:
    return;
  case transition::action::mark:
    send_markers();
    return act(active_->state.proceed(transition::clock::now()));
  case transition::action::commit:
    commit();
    return act(active_->state.proceed(transition::clock::now()));
  case transition::action::abort:
    return abort();
  case transition::action::finish:
    return finish(transition_outcome::committed, {});
  }
}

void supervisor::send_markers() {
  for (const auto& op : active_->what.plan.operators)
    if (op.is_head)
      send(live_.members.find(op.before())->second.actor, enter_message{active_->state.epoch()});
}

/// The point of no return: every old operator with a part waits at its cut, every successor holds
/// its state.
void supervisor::commit() {
  auto& now = *active_;
  const auto epoch = now.state.epoch();
  for (const auto& op : now.what.plan.operators) {
    if (!op.participates()) continue;
    if (op.action == operator_action::add)
      send(now.after.members.find(op.name)->second.actor, start_message{epoch, {}});
    else send(live_.members.find(op.before())->second.actor, commit_message{epoch});
  }
  live_ = std::move(now.after);
  running_ = std::move(now.what.wanted);
  given_ = std::move(now.what.given);
  for (auto* g : {&running_.content, &given_}) // done: it is no part of the graph
    for (auto& op : g->operators) op.was.clear();
  epoch_ = epoch;
}

void supervisor::abort() {
  auto& now = *active_;
  const abort_message message{now.state.epoch()};
  for (auto& old : now.told) send(old, message);
  for (auto& successor : now.successors) send(successor, message);
  finish(now.state.markers_sent() ? transition_outcome::rolled_back : transition_outcome::refused,
         now.state.reason());
}

void supervisor::on_deadline(epoch_t epoch) {
  if (!active_ || active_->state.epoch() != epoch) return;
  if (active_->order->stops) return cut_off();
  act(active_->state.give_up("the deadline has passed: " + active_->state.waiting_for(),
                             transition::clock::now()));
}

/// A stop does not go back: what has not been finished by the deadline is lost, and named.
void supervisor::cut_off() {
  auto& now = *active_;
  spdlog::warn("the deadline for draining has passed: {}", now.state.waiting_for());
  for (auto& [name, m] : live_.members) send(m.actor, end_message{});
  live_ = {};
  running_ = {};
  given_ = {};
  epoch_ = now.state.epoch();
  finish(transition_outcome::committed,
         "the deadline for draining has passed, so the rest was cut off: " +
             now.state.waiting_for());
}

void supervisor::finish(transition_outcome outcome, std::string reason) {
  auto entry = std::move(active_->entry);
  auto order = std::move(active_->order);
  const auto steps = active_->state.times();
  entry.steps.insert(entry.steps.end(), steps.begin(), steps.end());
  entry.outcome = outcome;
  entry.reason = std::move(reason);
  if (outcome == transition_outcome::committed)
    entry.mark_to_commit = active_->state.mark_to_commit();
  active_.reset();
  if (order->stops) stopped_ = true;
  record(std::move(entry), *order);
  start_next();
}

void supervisor::record(history_entry entry, const transition_order& order) {
  entry.id = ++last_id_;
  entry.who = order.who;
  entry.when = std::chrono::system_clock::now();
  spdlog::info("transition {} to epoch {} by {}: {}{}{} [{}]", entry.id, entry.epoch, entry.who,
               to_string(entry.outcome), entry.reason.empty() ? "" : ": ", entry.reason,
               entry.what);
  history_.push_back(entry);
  if (history_.size() > setup_.options->kept_history) history_.pop_front();
  if (order.done) order.done(std::move(entry));
}

void supervisor::on_down(const caf::down_msg& m) {
  const auto found =
      std::find_if(live_.members.begin(), live_.members.end(),
                   [&](const auto& item) { return item.second.actor.address() == m.source; });
  if (found == live_.members.end()) return; // replaced, removed or never started
  const auto reason =
      "the actor of operator '" + found->first + "' has died: " + to_string(m.reason);
  spdlog::error("{}", reason);
  if (active_) act(active_->state.give_up(reason, transition::clock::now()));
  if (setup_.on_end) setup_.on_end(reason);
}

service_status supervisor::status() const {
  service_status s;
  s.name = running_.content.name;
  s.graph_file = running_.content.origin.string();
  s.version = setup_.options->version;
  s.pid = getpid();
  s.epoch = epoch_;
  s.started = started_;
  s.phase = stopped_ ? "stopped" : stopping_ ? "stopping" : epoch_ == 0 ? "starting" : "running";
  if (active_)
    s.transition = std::string(to_string(active_->state.current())) + ": " + active_->entry.what;
  s.queued_transitions = queue_.size();
  live_.describe(s);
  const auto modules = setup_.library->count();
  s.modules_loaded = modules.loaded;
  s.modules_unloaded = modules.unloaded;
  s.modules_stuck = modules.stuck;
  s.resident_bytes = resident_bytes();
  return s;
}

} // namespace instar
