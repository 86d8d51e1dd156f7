#include "lifecycle/admin_codec.hpp"
#include "lifecycle/admin_codec_parts.hpp"

namespace instar {

using namespace codec;

namespace {

void write(const policy_measure& from, wire::Policy::Measure::Builder to) {
  to.setExpression(from.expression);
  to.setRelation(from.relation);
  to.setUnit(from.unit);
  to.setThreshold(from.threshold);
  if (from.value) to.setValue(*from.value);
  else to.setWhyNot(from.why_not);
  to.setText(from.text);
  to.setHolds(from.holds);
}

policy_measure read(wire::Policy::Measure::Reader from) {
  policy_measure to;
  to.expression = text(from.getExpression());
  to.relation = text(from.getRelation());
  to.unit = text(from.getUnit());
  to.threshold = from.getThreshold();
  if (from.isValue()) to.value = from.getValue();
  else if (from.isWhyNot()) to.why_not = text(from.getWhyNot());
  to.text = text(from.getText());
  to.holds = from.getHolds();
  return to;
}

void write(const policy_event& from, wire::Policy::Event::Builder to) {
  to.setWhenNs(since_1970(from.when));
  to.setKind(from.kind);
  to.setAsked(from.asked);
  to.setCause(from.cause);
  to.setOutcome(from.outcome);
  to.setReason(from.reason);
  to.setTransition(from.transition);
  to.setEpoch(from.epoch);
}

policy_event read(wire::Policy::Event::Reader from) {
  return {time_point(from.getWhenNs()), text(from.getKind()),    text(from.getAsked()),
          text(from.getCause()),        text(from.getOutcome()), text(from.getReason()),
          from.getTransition(),         from.getEpoch()};
}

} // namespace

void write(const policy_status& from, wire::Policy::Builder to) {
  to.setName(from.name);
  to.setPlace(from.place);
  to.setPaused(from.paused);
  to.setPausedBy(from.paused_by);
  to.setRule(from.rule);
  to.setAsks(from.asks);
  to.setState(from.state);
  write_list(
      from.measures, [&](unsigned n) { return to.initMeasures(n); },
      [](const policy_measure& one, wire::Policy::Measure::Builder b) { write(one, b); });
  if (from.holds_since) to.setHoldsSinceNs(since_1970(*from.holds_since));
  to.setChanges(from.changes);
  to.setPerHour(from.per_hour);
  to.setRefusals(from.refusals);
  write_list(
      from.events, [&](unsigned n) { return to.initEvents(n); },
      [](const policy_event& one, wire::Policy::Event::Builder b) { write(one, b); });
}

policy_status read(wire::Policy::Reader from) {
  policy_status to;
  to.name = text(from.getName());
  to.place = text(from.getPlace());
  to.paused = from.getPaused();
  to.paused_by = text(from.getPausedBy());
  to.rule = text(from.getRule());
  to.asks = text(from.getAsks());
  to.state = text(from.getState());
  for (auto one : from.getMeasures()) to.measures.push_back(read(one));
  if (from.getHoldsSinceNs() != 0) to.holds_since = time_point(from.getHoldsSinceNs());
  to.changes = from.getChanges();
  to.per_hour = from.getPerHour();
  to.refusals = from.getRefusals();
  for (auto one : from.getEvents()) to.events.push_back(read(one));
  return to;
}

} // namespace instar
