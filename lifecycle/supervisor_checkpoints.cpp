// Writing what operators have to checkpoints, and beginning from one.
#include "lifecycle/name_index.hpp"
#include "lifecycle/supervisor.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

#include <caf/actor_system.hpp>
#include <caf/send.hpp>

#include <algorithm>
#include <utility>

namespace instar {

planned supervisor::make(const wanted_graph& wanted, const consent& drop_state,
                         const restore_request* restore) {
  const auto* target = std::get_if<graph>(&wanted);
  return restore && target ? planner_.make_restore(*target, *restore)
                           : planner_.make(wanted, drop_state);
}

// -- writing --------------------------------------------------------------------------------------

void supervisor::begin_checkpoint(active& now) {
  checkpoint_job::setup what;
  what.epoch = now.state.epoch();
  what.content = now.what.given;
  what.types = now.what.wanted.types;
  what.keep = now.what.given.checkpoint_keep;
  for (const auto& op : now.what.wanted.content.operators)
    if (!op.transient) what.operators.insert(op.name);
  now.saved = what.operators;
  now.writes = std::make_shared<checkpoint_job>(
      setup_.options->checkpoints, *setup_.environment->pool, std::move(what),
      [self = caf::actor_cast<caf::actor>(this),
       epoch = now.state.epoch()](result<checkpoint_info> done) {
        report_message report;
        report.epoch = epoch;
        report.kind = done ? report_kind::written : report_kind::failed;
        report.text = done ? "checkpoint -> " + done->file.string() + ", " +
                                 std::to_string(done->operators) + " operators, " +
                                 std::to_string(done->bytes) + " bytes"
                           : done.error().message;
        if (done) report.total = done->bytes;
        caf::anon_send(self, std::move(report));
      });
  now.writes->begin();
}

void supervisor::note_written(active& now, const report_message& m) {
  now.entry.what = m.text;
  now.written = {std::chrono::system_clock::now(), m.epoch, m.total};
}

/// The newest one that there is: written, or begun from.
void supervisor::note_checkpoint(const active& now, const transition_order& order) {
  if (now.written) checkpoint_ = now.written;
  if (!order.restore) return;
  const auto& from = order.restore->from->info();
  checkpoint_ = {from.when, from.epoch, from.bytes};
}

// -- by themselves, now and then ------------------------------------------------------------------

void supervisor::set_checkpoint_timer() {
  const auto every = setup_.options->checkpoints && !stopping_ && versions_.epoch() > 0
                         ? versions_.given().checkpoint_every
                         : std::chrono::nanoseconds(0);
  if (every == checkpoint_every_) return;
  checkpoint_every_ = every;
  ++checkpoint_timer_; // what was set is void
  if (every.count() > 0) delayed_send(this, every, checkpoint_timer_message{checkpoint_timer_});
}

void supervisor::on_checkpoint_timer(std::uint64_t number) {
  if (number != checkpoint_timer_ || stopping_) return;
  delayed_send(this, checkpoint_every_, checkpoint_timer_message{number});
  // Whatever else runs or waits will be over soon; one that was skipped is followed by another.
  if (!active_.empty() || !queue_.empty()) return;
  auto order = std::make_shared<transition_order>();
  order->wanted = checkpoint_wish{};
  order->who = "checkpoint_every";
  order->automatic = true;
  order->done = [](history_entry e) {
    if (e.outcome != transition_outcome::committed)
      spdlog::warn("no checkpoint was written: {}", e.reason);
  };
  on_order({std::move(order)});
}

// -- beginning from one ---------------------------------------------------------------------------

/// Successors of nobody get their states from the checkpoint, as others do from old instances: a
/// replica its range of the keyed state that all of them had.
void supervisor::send_restores(active& now) {
  if (!now.order->restore) return;
  const auto from = now.order->restore->from;
  const name_index nodes(now.what.wanted.content);
  for (const auto& op : now.what.plan.operators) {
    if (!op.transfers_state) continue;
    const auto& node = now.what.wanted.content.operators[nodes.find(op.name)];
    const auto& heir = now.after.members.find(op.name)->second.actor;
    const auto own = now.what.restores.find(op.name);
    const auto& before = own == now.what.restores.end() ? std::string() : own->second;
    for (const auto& name : op.state_from.empty() ? std::vector{before} : op.state_from) {
      restore_message m{now.state.epoch(), {}};
      const auto& rest = op.rest_from;
      if (name == before || std::find(rest.begin(), rest.end(), name) != rest.end()) {
        auto saved = from->state_of(name);
        if (!saved) { // told as a report: `now` must not end here
          send(this, report_message{report_kind::failed, m.epoch, op.name, saved.error().message});
          break;
        }
        if (!saved->empty()) m.saved = *std::move(saved);
      }
      m.parts = from->parts_of(name);
      m.part = [from, name](std::size_t number) { return from->part_of(name, number); };
      if (!node.replica_of.empty()) m.places = range_of(node.replica, node.replicas);
      send(heir, std::move(m));
    }
  }
}

start_message supervisor::start_of(active& now, const operator_change& op) const {
  start_message start{now.state.epoch(), std::make_shared<handed_over>()};
  if (!now.order->restore || !op.transfers_state) return start;
  const auto own = now.what.restores.find(op.name);
  if (own == now.what.restores.end()) return start; // of another number: its timers have ended
  const auto saved = now.order->restore->from->timers_of(own->second);
  if (!saved) spdlog::error("{}", saved.error().message);
  else
    for (const auto& timer : *saved)
      start.from->timers.push_back({system().clock().now() + timer.left, timer.token});
  return start;
}

} // namespace instar
