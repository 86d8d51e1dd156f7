#include "lifecycle/supervisor.hpp"

#include "actors/local_scheduler.hpp"
#include "lifecycle/name_index.hpp"

#include <caf/actor_system.hpp>
#include <caf/system_messages.hpp>

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace instar {

supervisor::supervisor(caf::actor_config& config, supervisor_setup setup)
    : caf::event_based_actor(config), setup_(std::move(setup)),
      started_(std::chrono::system_clock::now()), versions_(setup_.options->kept_history),
      planner_(*setup_.operators, versions_) {}

supervisor::~supervisor() = default;

caf::behavior supervisor::make_behavior() {
  set_down_handler([this](const caf::down_msg& m) { on_down(m); });
  return {
      [this](const report_message& m) { on_report(m); },
      [this](const order_message& m) { on_order(m); },
      [this](const alarm_message&) { on_alarm(); },
      [this](const stop_message& m) {
        spdlog::error("the service has to stop: {}", m.reason);
        if (setup_.on_end) setup_.on_end(m.reason);
      },
      [this](const cancel_message& m) { on_cancel(m); },
      [this](const plan_message& m) {
        auto what = make(*m.wanted, m.drop_state, m.restore.get());
        choose_transfers(what);
        m.done(std::move(what.plan));
      },
      [this](const checkpoint_timer_message& m) { on_checkpoint_timer(m.number); },
      [this](const compare_message& m) {
        m.done(planner_.compare(m.graphs->first, m.graphs->second));
      },
      [this](const status_message& m) { m.done(status()); },
      [this](const observe_message& m) { m.done(observe()); },
      [this](const graph_message& m) { m.done(versions_.running().content); },
      [this](const history_message& m) {
        m.done(std::vector<history_entry>(history_.begin(), history_.end()));
      },
  };
}

void supervisor::on_exit() {
  for (auto& [name, m] : live_.members) send(m.actor, end_message{});
  for (auto& [epoch, now] : active_)
    for (const auto* left : {&now.successors, &now.formers})
      for (auto& each : *left) send(each, end_message{});
  active_.clear();
  live_ = {};
  queue_.clear();
}

// -- start ------------------------------------------------------------------------------------

void supervisor::start(std::shared_ptr<transition_order> order, planned what,
                       std::chrono::nanoseconds planning) {
  history_entry entry;
  entry.what = summary(what.plan);
  if (const auto* back = std::get_if<rollback_to>(&order->wanted))
    entry.what = describe(*back) + (entry.what.empty() ? "" : ": ") + entry.what;
  if (const auto* edit = std::get_if<graph_edit>(&order->wanted)) entry.what = describe(*edit);
  if (what.plan.saves) entry.what = describe(order->wanted);
  if (order->restore)
    entry.what = "restored from " + order->restore->from->info().file.string() + ": " + entry.what;
  if (what.plan.refused()) {
    entry.outcome = transition_outcome::refused;
    entry.reason = one_line(what.plan.refusals);
    return record(std::move(entry), *order);
  }
  if (what.plan.empty()) {
    entry.outcome = transition_outcome::unchanged;
    entry.epoch = versions_.epoch();
    if (order->stops) stopped_ = true;
    else if (what.whole) versions_.reword(std::move(what.given), std::move(what.wanted.content));
    set_checkpoint_timer();
    return record(std::move(entry), *order);
  }
  choose_transfers(what);
  if (order->restore) last_epoch_ = std::max(last_epoch_, order->restore->from->info().epoch);
  const auto epoch = entry.epoch = ++last_epoch_;
  entry.steps.push_back({"plan", planning});
  transition state(epoch, what.plan, transition::clock::now());
  const clock::duration limit =
      order->deadline.count() > 0 ? order->deadline : setup_.options->deadline;
  const auto deadline = system().clock().now() + limit;
  auto& now = active_
                  .emplace(epoch, active{std::move(order),
                                         std::move(what),
                                         std::move(entry),
                                         {},
                                         std::move(state),
                                         deadline,
                                         limit,
                                         {},
                                         {},
                                         {}})
                  .first->second;
  set_alarm(deadline);
  if (auto done = prepare(now); !done) give_up(now, done.error().message);
  else act(now, now.state.proceed(transition::clock::now()));
}

// -- prepare ----------------------------------------------------------------------------------

result<void> supervisor::prepare(active& now) {
  std::map<std::string, blueprint> blueprints;
  for (const auto& op : now.what.plan.operators) {
    if (op.action != operator_action::add && op.action != operator_action::replace) continue;
    const auto& type = now.what.wanted.types.find(op.name)->second;
    auto made = make_blueprint(op, type);
    if (!made)
      return failure{made.error().code, "operator '" + op.name + "': " + made.error().message};
    blueprints.emplace(op.name, std::move(*made));
  }
  now.after = live_.next(now.what.plan, now.what.wanted);
  if (now.what.plan.saves) begin_checkpoint(now);
  now.state.before_markers().tell_at_last(told_of_markers(now));
  if (auto done = spawn_successors(now, blueprints); !done) return done;
  tell_parts(now);
  return {};
}

result<supervisor::blueprint> supervisor::make_blueprint(const operator_change& op,
                                                         const operator_description& type) {
  blueprint made;
  auto factory = setup_.operators->load(type.name, type.version);
  if (!factory) return factory.error();
  made.factory = std::move(*factory);
  auto state = load_conversion(*setup_.operators, op.state_by, type);
  if (!state) return state.error();
  made.state = std::move(*state);
  auto parts = load_conversion(*setup_.operators, op.parts_by, type);
  if (!parts) return parts.error();
  made.parts = std::move(*parts);
  made.predecessors = op.restores() ? std::max<std::size_t>(1, op.state_from.size()) : 0;
  return made;
}

result<void> supervisor::spawn_successors(active& now,
                                          const std::map<std::string, blueprint>& blueprints) {
  auto links = now.after.all_links(now.what.wanted);
  const name_index nodes(now.what.wanted.content);
  for (const auto& [name, made] : blueprints) {
    auto& member = now.after.members.find(name)->second;
    const auto& node = now.what.wanted.content.operators[nodes.find(name)];
    operator_setup setup{member.place,
                         now.what.wanted.types.find(name)->second,
                         made.factory,
                         node.values,
                         node.on_error,
                         now.state.epoch(),
                         setup_.options->activation_limit,
                         made.state,
                         made.parts,
                         made.predecessors,
                         !node.replica_of.empty(),
                         now.state.votes(),
                         now.state.restored()};
    member.actor = system().spawn<runner>(std::move(setup), std::move(links[name]),
                                          *setup_.environment, caf::actor_cast<caf::actor>(this));
    member.since = now.state.epoch();
    monitor(member.actor);
    watched_[member.actor.id()] = {name, member.since, false};
    now.successors.push_back(member.actor);
    send(member.actor, create_message{});
  }
  return {};
}

/// The heads come last: what a cut and a restore take on a worker shall not keep the others from
/// hearing of it.
std::vector<caf::actor> supervisor::told_of_markers(const active& now) const {
  std::vector<caf::actor> told;
  const auto add = [&](const operator_change& op) {
    told.push_back(live_.members.find(op.before())->second.actor);
  };
  for (const auto& op : now.what.plan.operators)
    if (!op.is_head && op.participates() && op.action != operator_action::add) add(op);
  for (const auto& op : now.what.plan.operators)
    if (op.is_head) add(op);
  return told;
}

void supervisor::tell_parts(active& now) {
  std::map<std::string, std::vector<heir>> heirs; // by running name
  const name_index nodes(now.what.wanted.content);
  const auto actor_of = [&](const std::string& name) {
    return now.after.members.find(name)->second.actor;
  };
  std::map<std::string, std::string> rest_to;
  for (const auto& op : now.what.plan.operators)
    for (const auto& old : op.rest_from) rest_to[old] = op.name;
  for (const auto& op : now.what.plan.operators) {
    if (op.action == operator_action::replace)
      heirs[op.before()].push_back({actor_of(op.name), {}});
    for (const auto& name : op.heirs) {
      const auto& node = now.what.wanted.content.operators[nodes.find(name)];
      heirs[op.name].push_back(
          {actor_of(name), range_of(node.replica, node.replicas), rest_to[op.name] == name});
    }
  }
  auto parts = live_.parts(now.what.plan, now.after, now.what.wanted, now.state.epoch());
  live_.add_cycles_above(versions_.running().content, versions_.index(), parts);
  for (auto& [name, part] : parts) {
    const auto& old = live_.members.find(name)->second.actor;
    if (now.writes && now.saved.count(name)) part.sink = now.writes;
    part.ready = now.state.votes();
    part.copied = now.state.copies();
    part.at_cuts = part.flushes ? now.state.passed() : now.state.at_cuts();
    now.told.push_back(old);
    send(old, prepare_message{std::move(part), std::move(heirs[name])});
  }
}

// -- mark, commit, retire ---------------------------------------------------------------------

void supervisor::on_report(const report_message& m) {
  const auto found = active_.find(m.epoch);
  if (found == active_.end()) return;
  auto& now = found->second;
  // While state flows, nobody has stopped; nor while a checkpoint has yet to become durable.
  if (m.kind == report_kind::moved || (now.writes && m.kind == report_kind::at_cut)) {
    now.deadline = std::max(now.deadline, system().clock().now() + now.limit);
    set_alarm(now.deadline);
  }
  if (m.kind == report_kind::written) note_written(now, m);
  act(now, now.state.on_report(m, transition::clock::now()));
}

void supervisor::act(active& now, transition::action what) {
  switch (what) {
  case transition::action::none:
    return;
  case transition::action::copy:
    start_copies(now);
    return act(now, now.state.proceed(transition::clock::now()));
  case transition::action::mark:
    send_restores(now);
    return act(now, now.state.proceed(transition::clock::now()));
  case transition::action::commit:
    commit(now);
    return act(now, now.state.proceed(transition::clock::now()));
  case transition::action::retire:
    for (auto& former : now.formers) send(former, end_message{now.state.epoch()});
    now.deadline =
        system().clock().now() + now.limit; // for what is under way where ways have ended
    if (now.state.flushes()) set_alarm(now.deadline);
    return act(now, now.state.proceed(transition::clock::now()));
  case transition::action::abort:
    return abort(now);
  case transition::action::finish:
    return finish(now, transition_outcome::committed, now.state.reason());
  }
}

void supervisor::give_up(active& now, const std::string& reason) {
  act(now, now.state.give_up(reason, transition::clock::now()));
}

/// How keyed state goes is chosen by what the graph says, or by how much there is now.
void supervisor::choose_transfers(planned& what) const {
  if (what.plan.saves) return; // nobody goes on with it: always ahead of the cut
  for (auto& op : what.plan.operators) {
    // To several goes what the plan says.
    if (op.parts == part_transfer::none || !op.heirs.empty()) continue;
    const auto* node = what.wanted.content.find(op.name);
    const auto live = live_.members.find(op.before());
    if (node && node->transfer != part_transfer::none) op.parts = node->transfer;
    else if (live != live_.members.end())
      op.parts = live->second.place.counters->entries.get() < setup_.options->progressive_from
                     ? part_transfer::pre_copy
                     : part_transfer::progressive;
    op.state_format +=
        op.parts == part_transfer::pre_copy ? ", ahead of the cut" : ", fetched after the commit";
  }
}

void supervisor::start_copies(active& now) {
  for (const auto& op : now.what.plan.operators)
    if (op.parts != part_transfer::none)
      send(live_.members.find(op.before())->second.actor, copy_message{now.state.epoch()});
}

void supervisor::tell_commit(active& now) {
  const local_scheduler::all_at_once telling(system());
  for (const auto& op : now.what.plan.operators) {
    if (!op.participates()) continue;
    if (op.action == operator_action::add)
      send(now.after.members.find(op.name)->second.actor, start_of(now, op));
    else send(live_.members.find(op.before())->second.actor, commit_message{now.state.epoch()});
  }
}

/// The point of no return: every old operator with a part waits at its cut, every successor holds
/// its state.
void supervisor::commit(active& now) {
  const auto epoch = now.state.epoch();
  tell_commit(now);
  note_commit(now);
  live_.adopt(now.what.plan, std::move(now.after));
  if (now.what.plan.saves) versions_.pass(epoch);
  else versions_.commit(epoch, now.what);
}

void supervisor::abort(active& now) {
  if (now.writes) now.writes->cancel();
  const abort_message message{now.state.epoch()};
  for (auto& old : now.told) send(old, message);
  for (auto& successor : now.successors) send(successor, message);
  finish(now,
         now.state.markers_sent() ? transition_outcome::rolled_back : transition_outcome::refused,
         now.state.reason());
}

/// A message to the clock cannot be taken back. So there is none for each transition: one that
/// comes no later does for those that end in time, however many.
void supervisor::set_alarm(clock::time_point at) {
  if (!alarms_.empty() && alarms_.back() <= at) return;
  alarms_.push_back(at);
  delayed_send(this, at - system().clock().now(), alarm_message{});
}

void supervisor::on_alarm() {
  const auto time = system().clock().now();
  alarms_.pop_back();
  std::vector<epoch_t> late;
  for (const auto& [epoch, now] : active_) {
    if (now.deadline <= time) late.push_back(epoch);
    else set_alarm(now.deadline);
  }
  for (const auto epoch : late)
    if (const auto found = active_.find(epoch); found != active_.end()) on_deadline(found->second);
}

void supervisor::on_deadline(active& now) {
  if (now.order->stops) return cut_off(now);
  if (now.state.flushes()) {
    end_flush(now, "committed, but the deadline has passed for what was under way: " +
                       now.state.waiting_for());
    return act(now, now.state.proceed(transition::clock::now()));
  }
  give_up(now, "the deadline has passed: " + now.state.waiting_for());
}

/// A stop does not go back: what has not been finished by the deadline is lost, and named.
void supervisor::cut_off(active& now) {
  spdlog::warn("the deadline for draining has passed: {}", now.state.waiting_for());
  for (auto& [name, m] : live_.members) send(m.actor, end_message{});
  live_ = {};
  watched_.clear();
  versions_.end(now.state.epoch());
  finish(now, transition_outcome::committed,
         "the deadline for draining has passed, so the rest was cut off: " +
             now.state.waiting_for());
}

void supervisor::finish(active& now, transition_outcome outcome, std::string reason) {
  auto entry = std::move(now.entry);
  const auto order = std::move(now.order);
  const auto steps = now.state.times();
  entry.steps.insert(entry.steps.end(), steps.begin(), steps.end());
  entry.outcome = outcome;
  entry.reason = std::move(reason);
  if (outcome == transition_outcome::committed) entry.mark_to_commit = now.state.mark_to_commit();
  if (outcome == transition_outcome::committed) note_checkpoint(now, *order);
  active_.erase(now.state.epoch());
  if (order->stops) stopped_ = true;
  record(std::move(entry), *order);
  set_checkpoint_timer();
  start_next();
}

void supervisor::record(history_entry entry, const transition_order& order) {
  entry.id = order.id;
  entry.who = order.who;
  entry.cause = order.cause;
  entry.when = std::chrono::system_clock::now();
  spdlog::info("transition {} to epoch {} by {}: {}{}{} [{}]{}{}", entry.id, entry.epoch, entry.who,
               to_string(entry.outcome), entry.reason.empty() ? "" : ": ", entry.reason, entry.what,
               entry.cause.empty() ? "" : " because ", entry.cause);
  // Those that come by themselves must not push out what somebody did.
  if (order.automatic && entry.outcome == transition_outcome::committed)
    std::erase_if(history_, [&](const history_entry& e) {
      return e.who == entry.who && e.outcome == transition_outcome::committed;
    });
  totals_.note(entry);
  history_.push_back(entry);
  if (history_.size() > setup_.options->kept_history) history_.pop_front();
  if (order.done) order.done(std::move(entry));
}

// -- actors that die ----------------------------------------------------------------------------

void supervisor::note_commit(active& now) {
  const auto epoch = now.state.epoch();
  for (const auto& op : now.what.plan.operators) {
    if (!op.participates()) continue;
    if (op.action == operator_action::replace || op.action == operator_action::remove) {
      now.formers.push_back(live_.members.find(op.before())->second.actor);
      watched_[now.formers.back().id()] = {op.before(), epoch, true};
    }
    if (op.action != operator_action::remove)
      watched_[(op.action == operator_action::keep ? live_.members.find(op.before())
                                                   : now.after.members.find(op.name))
                   ->second.actor.id()] = {op.name, 0, false};
  }
}

void supervisor::on_down(const caf::down_msg& m) {
  const auto found = watched_.extract(m.source.id());
  if (!found) return;
  const auto& who = found.mapped();
  if (who.epoch == 0) return on_member_down(who.name, m.reason);
  const auto during = active_.find(who.epoch);
  if (during == active_.end()) return; // replaced, removed or never started
  if (!who.former)
    return give_up(during->second, "the actor of the new operator '" + who.name +
                                       "' has died: " + to_string(m.reason));
  if (m.reason) on_former_down(during->second, who.name);
}

/// What it held is lost: the service has to stop. A drain goes on, to its deadline if need be.
void supervisor::on_member_down(const std::string& name, const caf::error& why) {
  const auto reason = "the actor of operator '" + name + "' has died: " + to_string(why);
  spdlog::error("{}", reason);
  for (auto next = active_.begin(); next != active_.end();) {
    auto& now = (next++)->second;
    if (now.state.decided()) { // it never will say so itself
      end_flush(now, {});
      take_as_said(now, {report_kind::running, report_kind::arrived}, name);
    } else if (!now.order->stops) give_up(now, reason);
  }
  if (setup_.on_end) setup_.on_end(reason);
}

/// A marker was lost, or does not come through for long: nobody waits any more for those that it
/// would only pass.
void supervisor::end_flush(active& now, std::string reason) {
  for (const auto& op : now.what.plan.operators)
    if (const auto m = live_.members.find(op.before()); op.flushes && m != live_.members.end())
      send(m->second.actor, abort_message{now.state.epoch()});
  now.state.end_flush(std::move(reason));
}

/// As if it had reported that itself.
void supervisor::take_as_said(active& now, std::initializer_list<report_kind> kinds,
                              const std::string& name) {
  const auto epoch = now.state.epoch();
  for (const auto kind : kinds)
    if (const auto still = active_.find(epoch); still != active_.end())
      act(still->second,
          still->second.state.on_report({kind, epoch, name}, transition::clock::now()));
}

/// An old instance was lost after the commit was decided. Where the successor holds the state of
/// the cut, nothing is lost with it, and that only has not been told to start.
void supervisor::on_former_down(active& now, const std::string& name) {
  spdlog::error("the actor of operator '{}' has died before it could hand over", name);
  const auto epoch = now.state.epoch();
  const auto change = std::find_if(now.what.plan.operators.begin(), now.what.plan.operators.end(),
                                   [&](const operator_change& op) { return op.before() == name; });
  if (change == now.what.plan.operators.end()) return take_as_said(now, {report_kind::ended}, name);
  if (const auto heir = live_.members.find(change->name); heir != live_.members.end())
    send(heir->second.actor, start_message{epoch, {}});
  const bool lost = change->native || change->parts == part_transfer::progressive;
  const auto place = change->name;
  take_as_said(now, {report_kind::ended}, name);
  if (!lost) return;
  if (const auto still = active_.find(epoch); still != active_.end())
    take_as_said(still->second, {report_kind::arrived}, place);
  if (setup_.on_end) setup_.on_end("the state of operator '" + name + "' was lost with its actor");
}

} // namespace instar
