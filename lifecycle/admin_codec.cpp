#include "lifecycle/admin_codec.hpp"
#include "lifecycle/admin_codec_parts.hpp"

#include <kj/debug.h>

namespace instar {

using namespace codec;

namespace {

// The wire has enumerations of its own, so that reordering one of ours cannot change the protocol.

wire::Outcome to_wire(transition_outcome o) {
  switch (o) {
  case transition_outcome::unchanged:
    return wire::Outcome::UNCHANGED;
  case transition_outcome::committed:
    return wire::Outcome::COMMITTED;
  case transition_outcome::refused:
    return wire::Outcome::REFUSED;
  case transition_outcome::rolled_back:
    break;
  }
  return wire::Outcome::ROLLED_BACK;
}

transition_outcome from_wire(wire::Outcome o) {
  switch (o) {
  case wire::Outcome::UNCHANGED:
    return transition_outcome::unchanged;
  case wire::Outcome::COMMITTED:
    return transition_outcome::committed;
  case wire::Outcome::REFUSED:
    return transition_outcome::refused;
  case wire::Outcome::ROLLED_BACK:
    break;
  }
  return transition_outcome::rolled_back;
}

void write(const operator_status& from, wire::OperatorStatus::Builder to) {
  to.setName(from.name);
  to.setReference(from.reference);
  to.setSinceEpoch(from.since_epoch);
  to.setPhase(from.phase);
  to.setPacketsIn(from.packets_in);
  to.setPacketsOut(from.packets_out);
  to.setEvents(from.events);
  to.setEventsWaiting(from.events_waiting);
  to.setActivations(from.activations);
  to.setBusyNs(from.busy_ns);
  to.setBlocked(from.blocked);
  to.setErrors(from.errors);
  to.setRestarts(from.restarts);
  to.setLateAnswers(from.late_answers);
  to.setEntries(from.entries);
  to.setReplicaOf(from.replica_of);
  to.setReplicas(from.replicas);
  to.setHotKey(from.hot_key);
  to.setHotShare(from.hot_share);
}

operator_status read(wire::OperatorStatus::Reader from) {
  operator_status to;
  to.name = text(from.getName());
  to.reference = text(from.getReference());
  to.since_epoch = from.getSinceEpoch();
  to.phase = text(from.getPhase());
  to.packets_in = from.getPacketsIn();
  to.packets_out = from.getPacketsOut();
  to.events = from.getEvents();
  to.events_waiting = from.getEventsWaiting();
  to.activations = from.getActivations();
  to.busy_ns = from.getBusyNs();
  to.blocked = from.getBlocked();
  to.errors = from.getErrors();
  to.restarts = from.getRestarts();
  to.late_answers = from.getLateAnswers();
  to.entries = from.getEntries();
  to.replica_of = text(from.getReplicaOf());
  to.replicas = from.getReplicas();
  to.hot_key = from.getHotKey();
  to.hot_share = from.getHotShare();
  return to;
}

void write(const arc_status& from, wire::ArcStatus::Builder to) {
  to.setName(from.name);
  to.setPayload(from.payload);
  to.setCapacity(from.capacity);
  to.setQueued(from.queued);
  to.setFeedback(from.feedback);
}

void write(const std::vector<step_time>& from, capnp::List<wire::StepTime>::Builder to) {
  unsigned i = 0;
  for (const auto& one : from) {
    to[i].setStep(one.step);
    to[i++].setTookNs(one.took.count());
  }
}

std::vector<step_time> read(capnp::List<wire::StepTime>::Reader from) {
  std::vector<step_time> to;
  for (auto one : from)
    to.push_back({text(one.getStep()), std::chrono::nanoseconds(one.getTookNs())});
  return to;
}

void write(const transition_status& from, wire::TransitionStatus::Builder to) {
  to.setId(from.id);
  to.setEpoch(from.epoch);
  to.setWho(from.who);
  to.setWhat(from.what);
  to.setStep(from.step);
  to.setWaitingFor(from.waiting_for);
  write(from.steps, to.initSteps(static_cast<unsigned>(from.steps.size())));
  to.setEntriesMoved(from.entries_moved);
  to.setEntriesTotal(from.entries_total);
}

transition_status read(wire::TransitionStatus::Reader from) {
  return {from.getId(),          from.getEpoch(),        text(from.getWho()),
          text(from.getWhat()),  text(from.getStep()),   text(from.getWaitingFor()),
          read(from.getSteps()), from.getEntriesMoved(), from.getEntriesTotal()};
}

graph_text read(wire::GraphText::Reader from) {
  graph_text to{text(from.getText()), text(from.getOrigin()), {}, text(from.getFolder())};
  for (auto o : from.getOverrides())
    to.overrides.push_back({text(o.getOperator()), text(o.getKey()), text(o.getValue())});
  return to;
}

void write(const graph_text& from, wire::GraphText::Builder to) {
  to.setText(from.text);
  to.setOrigin(from.origin.string());
  to.setFolder(from.folder.string());
  write_list(
      from.overrides, [&](unsigned n) { return to.initOverrides(n); },
      [](const setting_override& one, wire::Override::Builder b) {
        b.setOperator(one.operator_name);
        b.setKey(one.key);
        b.setValue(one.value);
      });
}

} // namespace

void write(const wanted_change& from, wire::Wanted::Builder to,
           const std::vector<std::string>& drop_state) {
  write_texts(drop_state, [&](unsigned n) { return to.initDropState(n); });
  if (const auto* whole = std::get_if<graph_text>(&from)) return write(*whole, to.initGraph());
  if (const auto* back = std::get_if<rollback_to>(&from)) return to.setRollback(back->epoch);
  if (std::holds_alternative<checkpoint_wish>(from)) return to.setCheckpoint();
  write_list(
      std::get<std::vector<operator_update>>(from), [&](unsigned n) { return to.initUpdates(n); },
      [](const operator_update& one, wire::OperatorUpdate::Builder b) {
        b.setName(one.name);
        b.setType(one.type);
        b.setVersion(one.version);
      });
}

wanted_change read(wire::Wanted::Reader from) {
  if (from.isGraph()) return read(from.getGraph());
  if (from.isRollback()) return rollback_to{from.getRollback()};
  if (from.isCheckpoint()) return checkpoint_wish{};
  KJ_REQUIRE(from.isUpdates(), "a change that this version does not know");
  std::vector<operator_update> updates;
  for (auto u : from.getUpdates())
    updates.push_back({text(u.getName()), text(u.getType()), u.getVersion()});
  return updates;
}

std::vector<std::string> read_drop_state(wire::Wanted::Reader from) {
  std::vector<std::string> names;
  for (auto one : from.getDropState()) names.push_back(text(one));
  return names;
}

void write(const named_graph& from, wire::NamedGraph::Builder to) {
  if (const auto* epoch = std::get_if<epoch_t>(&from)) to.setEpoch(*epoch);
  else if (const auto* text = std::get_if<graph_text>(&from)) write(*text, to.initText());
  else to.setRunning();
}

named_graph read(wire::NamedGraph::Reader from) {
  if (from.isText()) return read(from.getText());
  if (from.isEpoch()) return epoch_t{from.getEpoch()};
  KJ_REQUIRE(from.isRunning(), "a graph that this version does not know");
  return {};
}

void write(const service_status& from, wire::Status::Builder to) {
  to.setName(from.name);
  to.setGraphFile(from.graph_file);
  to.setVersion(from.version);
  to.setPid(from.pid);
  to.setEpoch(from.epoch);
  to.setStartedNs(since_1970(from.started));
  to.setPhase(from.phase);
  to.setTransition(from.transition);
  to.setQueuedTransitions(from.queued_transitions);
  write_list(
      from.operators, [&](unsigned n) { return to.initOperators(n); },
      [](const operator_status& one, wire::OperatorStatus::Builder b) { write(one, b); });
  write_list(
      from.arcs, [&](unsigned n) { return to.initArcs(n); },
      [](const arc_status& one, wire::ArcStatus::Builder b) { write(one, b); });
  to.setModulesLoaded(from.modules_loaded);
  to.setModulesUnloaded(from.modules_unloaded);
  to.setModulesStuck(from.modules_stuck);
  to.setResidentBytes(from.resident_bytes);
  write_list(
      from.transitions, [&](unsigned n) { return to.initTransitions(n); },
      [](const transition_status& one, wire::TransitionStatus::Builder b) { write(one, b); });
}

service_status read(wire::Status::Reader from) {
  service_status to;
  to.name = text(from.getName());
  to.graph_file = text(from.getGraphFile());
  to.version = text(from.getVersion());
  to.pid = from.getPid();
  to.epoch = from.getEpoch();
  to.started = time_point(from.getStartedNs());
  to.phase = text(from.getPhase());
  to.transition = text(from.getTransition());
  to.queued_transitions = from.getQueuedTransitions();
  for (auto one : from.getOperators()) to.operators.push_back(read(one));
  for (auto one : from.getArcs())
    to.arcs.push_back({text(one.getName()), text(one.getPayload()), one.getCapacity(),
                       one.getQueued(), one.getFeedback()});
  to.modules_loaded = from.getModulesLoaded();
  to.modules_unloaded = from.getModulesUnloaded();
  to.modules_stuck = from.getModulesStuck();
  to.resident_bytes = from.getResidentBytes();
  for (auto one : from.getTransitions()) to.transitions.push_back(read(one));
  return to;
}

void write(const history_entry& from, wire::HistoryEntry::Builder to) {
  to.setId(from.id);
  to.setEpoch(from.epoch);
  to.setWho(from.who);
  to.setWhat(from.what);
  to.setWhenNs(since_1970(from.when));
  to.setOutcome(to_wire(from.outcome));
  to.setReason(from.reason);
  write(from.steps, to.initSteps(static_cast<unsigned>(from.steps.size())));
  to.setMarkToCommitNs(from.mark_to_commit.count());
  to.setCause(from.cause);
}

history_entry read(wire::HistoryEntry::Reader from) {
  history_entry to;
  to.id = from.getId();
  to.epoch = from.getEpoch();
  to.who = text(from.getWho());
  to.what = text(from.getWhat());
  to.when = time_point(from.getWhenNs());
  to.outcome = from_wire(from.getOutcome());
  to.reason = text(from.getReason());
  to.steps = read(from.getSteps());
  to.mark_to_commit = std::chrono::nanoseconds(from.getMarkToCommitNs());
  to.cause = text(from.getCause());
  return to;
}

void write(const checkpoint_listing& from, wire::Session::CheckpointsResults::Builder to) {
  to.setFolder(from.folder.string());
  write_list(
      from.list, [&](unsigned n) { return to.initList(n); },
      [](const listed_checkpoint& one, wire::Checkpoint::Builder b) {
        b.setFile(one.info.file.string());
        b.setNumber(one.info.number);
        b.setEpoch(one.info.epoch);
        b.setWhenNs(since_1970(one.info.when));
        b.setBytes(one.info.bytes);
        b.setOperators(one.info.operators);
        b.setDamage(one.damage);
      });
}

checkpoint_listing read(wire::Session::CheckpointsResults::Reader from) {
  checkpoint_listing to;
  to.folder = text(from.getFolder());
  for (auto one : from.getList()) {
    auto& into = to.list.emplace_back();
    into.info.file = text(one.getFile());
    into.info.number = one.getNumber();
    into.info.epoch = one.getEpoch();
    into.info.when = time_point(one.getWhenNs());
    into.info.bytes = one.getBytes();
    into.info.operators = one.getOperators();
    into.damage = text(one.getDamage());
  }
  return to;
}

} // namespace instar
