#include "lifecycle/admin_codec.hpp"
#include "lifecycle/admin_codec_parts.hpp"

namespace instar {

using namespace codec;

namespace {

// The wire has enumerations of its own, so that reordering one of ours cannot change the protocol.

wire::ErrorStrategy to_wire(error_strategy s) {
  switch (s) {
  case error_strategy::resume:
    return wire::ErrorStrategy::RESUME;
  case error_strategy::restart:
    return wire::ErrorStrategy::RESTART;
  case error_strategy::stop:
    break;
  }
  return wire::ErrorStrategy::STOP;
}

error_strategy from_wire(wire::ErrorStrategy s) {
  switch (s) {
  case wire::ErrorStrategy::RESUME:
    return error_strategy::resume;
  case wire::ErrorStrategy::RESTART:
    return error_strategy::restart;
  case wire::ErrorStrategy::STOP:
    break;
  }
  return error_strategy::stop;
}

wire::OperatorAction to_wire(operator_action a) {
  switch (a) {
  case operator_action::keep:
    return wire::OperatorAction::KEEP;
  case operator_action::add:
    return wire::OperatorAction::ADD;
  case operator_action::remove:
    return wire::OperatorAction::REMOVE;
  case operator_action::replace:
    break;
  }
  return wire::OperatorAction::REPLACE;
}

operator_action from_wire(wire::OperatorAction a) {
  switch (a) {
  case wire::OperatorAction::KEEP:
    return operator_action::keep;
  case wire::OperatorAction::ADD:
    return operator_action::add;
  case wire::OperatorAction::REMOVE:
    return operator_action::remove;
  case wire::OperatorAction::REPLACE:
    break;
  }
  return operator_action::replace;
}

wire::ArcAction to_wire(arc_action a) {
  switch (a) {
  case arc_action::keep:
    return wire::ArcAction::KEEP;
  case arc_action::add:
    return wire::ArcAction::ADD;
  case arc_action::remove:
    break;
  }
  return wire::ArcAction::REMOVE;
}

arc_action from_wire(wire::ArcAction a) {
  switch (a) {
  case wire::ArcAction::KEEP:
    return arc_action::keep;
  case wire::ArcAction::ADD:
    return arc_action::add;
  case wire::ArcAction::REMOVE:
    break;
  }
  return arc_action::remove;
}

wire::PartTransfer to_wire(part_transfer how) {
  switch (how) {
  case part_transfer::pre_copy:
    return wire::PartTransfer::PRE_COPY;
  case part_transfer::progressive:
    return wire::PartTransfer::PROGRESSIVE;
  case part_transfer::none:
    break;
  }
  return wire::PartTransfer::NONE;
}

part_transfer from_wire(wire::PartTransfer how) {
  switch (how) {
  case wire::PartTransfer::PRE_COPY:
    return part_transfer::pre_copy;
  case wire::PartTransfer::PROGRESSIVE:
    return part_transfer::progressive;
  case wire::PartTransfer::NONE:
    break;
  }
  return part_transfer::none;
}

wire::FeedbackPolicy to_wire(feedback_policy p) {
  switch (p) {
  case feedback_policy::hand_over:
    return wire::FeedbackPolicy::HAND_OVER;
  case feedback_policy::drain:
    return wire::FeedbackPolicy::DRAIN;
  case feedback_policy::none:
    break;
  }
  return wire::FeedbackPolicy::NONE;
}

feedback_policy from_wire(wire::FeedbackPolicy p) {
  switch (p) {
  case wire::FeedbackPolicy::HAND_OVER:
    return feedback_policy::hand_over;
  case wire::FeedbackPolicy::DRAIN:
    return feedback_policy::drain;
  case wire::FeedbackPolicy::NONE:
    break;
  }
  return feedback_policy::none;
}

wire::FailureCode to_wire(errc c) {
  switch (c) {
  case errc::bad_input:
    return wire::FailureCode::BAD_INPUT;
  case errc::not_found:
    return wire::FailureCode::NOT_FOUND;
  case errc::incompatible:
    return wire::FailureCode::INCOMPATIBLE;
  case errc::refused:
    return wire::FailureCode::REFUSED;
  case errc::deadline:
    return wire::FailureCode::DEADLINE;
  case errc::operator_error:
    return wire::FailureCode::OPERATOR_ERROR;
  case errc::system:
    break;
  }
  return wire::FailureCode::SYSTEM;
}

errc from_wire(wire::FailureCode c) {
  switch (c) {
  case wire::FailureCode::BAD_INPUT:
    return errc::bad_input;
  case wire::FailureCode::NOT_FOUND:
    return errc::not_found;
  case wire::FailureCode::INCOMPATIBLE:
    return errc::incompatible;
  case wire::FailureCode::REFUSED:
    return errc::refused;
  case wire::FailureCode::DEADLINE:
    return errc::deadline;
  case wire::FailureCode::OPERATOR_ERROR:
    return errc::operator_error;
  case wire::FailureCode::SYSTEM:
    break;
  }
  return errc::system;
}

void write(const std::string& name, const setting_value& value, wire::Setting::Builder to) {
  to.setName(name);
  if (const auto* t = std::get_if<std::string>(&value)) to.setText(*t);
  else if (const auto* i = std::get_if<std::int64_t>(&value)) to.setInteger(*i);
  else if (const auto* n = std::get_if<double>(&value)) to.setNumber(*n);
  else to.setBoolean(std::get<bool>(value));
}

setting_value read(wire::Setting::Reader from) {
  switch (from.which()) {
  case wire::Setting::TEXT:
    return text(from.getText());
  case wire::Setting::INTEGER:
    return from.getInteger();
  case wire::Setting::NUMBER:
    return from.getNumber();
  case wire::Setting::BOOLEAN:
    return from.getBoolean();
  }
  return std::string{};
}

key_kind key_from_wire(bool hashes) { return hashes ? key_kind::hash : key_kind::number; }

void write(const operator_node& from, wire::OperatorNode::Builder to) {
  to.setName(from.name);
  to.setType(from.type);
  to.setVersion(from.version);
  write_list(
      from.values.all(), [&](unsigned n) { return to.initSettings(n); },
      [](const auto& one, wire::Setting::Builder b) { write(one.first, one.second, b); });
  to.setStrategy(to_wire(from.on_error.strategy));
  to.setErrorLimit(from.on_error.limit);
  to.setErrorWindowNs(from.on_error.window.count());
  to.setLine(from.line);
  to.setWas(from.was);
  to.setTransient(from.transient);
  to.setTransfer(to_wire(from.transfer));
  to.setReplicas(from.replicas);
  to.setKeysAreHashes(from.key == key_kind::hash);
  to.setReplicaOf(from.replica_of);
  to.setReplica(from.replica);
}

operator_node read(wire::OperatorNode::Reader from) {
  operator_node to;
  to.name = text(from.getName());
  to.type = text(from.getType());
  to.version = from.getVersion();
  for (auto setting : from.getSettings()) to.values.set(text(setting.getName()), read(setting));
  to.on_error = {from_wire(from.getStrategy()), from.getErrorLimit(),
                 std::chrono::nanoseconds(from.getErrorWindowNs())};
  to.line = from.getLine();
  to.was = text(from.getWas());
  to.transient = from.getTransient();
  to.transfer = from_wire(from.getTransfer());
  to.replicas = from.getReplicas();
  to.key = key_from_wire(from.getKeysAreHashes());
  to.replica_of = text(from.getReplicaOf());
  to.replica = from.getReplica();
  return to;
}

void write(const arc_node& from, wire::ArcNode::Builder to) {
  to.setFrom(from.from);
  to.setFromPort(from.from_port);
  to.setTo(from.to);
  to.setToPort(from.to_port);
  to.setCapacity(from.capacity);
  to.setLine(from.line);
  to.setFeedback(to_wire(from.feedback));
  to.setLane(from.lane);
  to.setLanes(from.lanes);
  to.setKeysAreHashes(from.key == key_kind::hash);
  to.setGroup(from.group);
}

arc_node read(wire::ArcNode::Reader from) {
  return {text(from.getFrom()),
          text(from.getFromPort()),
          text(from.getTo()),
          text(from.getToPort()),
          from.getCapacity(),
          from.getLine(),
          from_wire(from.getFeedback()),
          from.getLane(),
          from.getLanes(),
          key_from_wire(from.getKeysAreHashes()),
          text(from.getGroup())};
}

void write(const state_route& from, wire::StateRoute::Builder to) {
  to.setWritten(from.written);
  to.setRead(from.read);
  write_list(
      from.converters, [&](unsigned n) { return to.initConverters(n); },
      [](const converter_step& one, wire::ConverterStep::Builder b) {
        b.setType(one.type);
        b.setVersion(one.version);
        b.setFrom(one.from);
        b.setTo(one.to);
      });
}

state_route read(wire::StateRoute::Reader from) {
  state_route to{from.getWritten(), from.getRead(), {}};
  for (auto one : from.getConverters())
    to.converters.push_back({text(one.getType()), one.getVersion(), one.getFrom(), one.getTo()});
  return to;
}

void write(const operator_change& from, wire::OperatorChange::Builder to) {
  to.setAction(to_wire(from.action));
  to.setName(from.name);
  to.setOldReference(from.old_reference);
  to.setNewReference(from.new_reference);
  write_texts(from.settings, [&](unsigned n) { return to.initSettings(n); });
  to.setTransfersState(from.transfers_state);
  to.setStateFormat(from.state_format);
  to.setArcsChange(from.arcs_change);
  to.setInRegion(from.in_region);
  to.setIsHead(from.is_head);
  to.setOldName(from.old_name);
  to.setDrains(from.drains);
  to.setNative(from.native);
  write(from.state_by, to.initStateBy());
  write(from.parts_by, to.initPartsBy());
  to.setDropsState(from.drops_state);
  write_texts(from.state_from, [&](unsigned n) { return to.initStateFrom(n); });
  write_texts(from.heirs, [&](unsigned n) { return to.initHeirs(n); });
  to.setReplicaOf(from.replica_of);
}

operator_change read(wire::OperatorChange::Reader from) {
  operator_change to;
  to.action = from_wire(from.getAction());
  to.name = text(from.getName());
  to.old_reference = text(from.getOldReference());
  to.new_reference = text(from.getNewReference());
  for (auto setting : from.getSettings()) to.settings.push_back(text(setting));
  to.transfers_state = from.getTransfersState();
  to.state_format = text(from.getStateFormat());
  to.arcs_change = from.getArcsChange();
  to.in_region = from.getInRegion();
  to.is_head = from.getIsHead();
  to.old_name = text(from.getOldName());
  to.drains = from.getDrains();
  to.native = from.getNative();
  to.state_by = read(from.getStateBy());
  to.parts_by = read(from.getPartsBy());
  to.drops_state = from.getDropsState();
  for (auto one : from.getStateFrom()) to.state_from.push_back(text(one));
  for (auto one : from.getHeirs()) to.heirs.push_back(text(one));
  to.replica_of = text(from.getReplicaOf());
  return to;
}

} // namespace

void write(const graph& from, wire::Graph::Builder to) {
  to.setName(from.name);
  to.setOrigin(from.origin.string());
  write_texts(from.modules, [&](unsigned n) { return to.initModules(n); });
  write_list(
      from.operators, [&](unsigned n) { return to.initOperators(n); },
      [](const operator_node& one, wire::OperatorNode::Builder b) { write(one, b); });
  write_list(
      from.arcs, [&](unsigned n) { return to.initArcs(n); },
      [](const arc_node& one, wire::ArcNode::Builder b) { write(one, b); });
  to.setCheckpointEveryNs(from.checkpoint_every.count());
  to.setCheckpointKeep(from.checkpoint_keep);
}

graph read(wire::Graph::Reader from) {
  graph to;
  to.name = text(from.getName());
  to.origin = text(from.getOrigin());
  for (auto one : from.getModules()) to.modules.emplace_back(text(one));
  for (auto one : from.getOperators()) to.operators.push_back(read(one));
  for (auto one : from.getArcs()) to.arcs.push_back(read(one));
  to.checkpoint_every = std::chrono::nanoseconds(from.getCheckpointEveryNs());
  to.checkpoint_keep = from.getCheckpointKeep();
  return to;
}

void write(const transition_plan& from, wire::Plan::Builder to) {
  write_list(
      from.operators, [&](unsigned n) { return to.initOperators(n); },
      [](const operator_change& one, wire::OperatorChange::Builder b) { write(one, b); });
  write_list(
      from.arcs, [&](unsigned n) { return to.initArcs(n); },
      [](const arc_change& one, wire::ArcChange::Builder b) {
        b.setAction(to_wire(one.action));
        write(one.arc, b.initArc());
        b.setInRegion(one.in_region);
        b.setOldName(one.old_name);
      });
  write_list(
      from.refusals, [&](unsigned n) { return to.initRefusals(n); },
      [](const failure& one, wire::Failure::Builder b) {
        b.setCode(to_wire(one.code));
        b.setMessage(one.message);
      });
}

transition_plan read(wire::Plan::Reader from) {
  transition_plan to;
  for (auto one : from.getOperators()) to.operators.push_back(read(one));
  for (auto one : from.getArcs())
    to.arcs.push_back({from_wire(one.getAction()), read(one.getArc()), one.getInRegion(),
                       text(one.getOldName())});
  for (auto one : from.getRefusals())
    to.refusals.push_back({from_wire(one.getCode()), text(one.getMessage())});
  return to;
}

} // namespace instar
