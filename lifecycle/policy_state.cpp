#include "lifecycle/policy_state.hpp"

#include "lifecycle/admin_codec_parts.hpp"

#include <algorithm>

namespace instar {

namespace {

using codec::text;
using std::chrono::nanoseconds;

/// No age is above that: nothing that long ago counts any more, and sums of it do not overflow.
constexpr nanoseconds oldest = std::chrono::hours(24 * 365);

nanoseconds age(std::int64_t saved) {
  return std::clamp(nanoseconds(saved), nanoseconds(0), oldest);
}

wire::PolicyState::Place to_wire(const std::optional<policy_place>& place) {
  if (place == policy_place::home) return wire::PolicyState::Place::HOME;
  if (place == policy_place::there) return wire::PolicyState::Place::THERE;
  return wire::PolicyState::Place::NONE;
}

std::optional<policy_place> from_wire(wire::PolicyState::Place place) {
  if (place == wire::PolicyState::Place::HOME) return policy_place::home;
  if (place == wire::PolicyState::Place::THERE) return policy_place::there;
  return std::nullopt;
}

} // namespace

void write(const policy_memory& from, wire::PolicyState::Builder to) {
  to.setPaused(from.paused);
  to.setPausedBy(from.paused_by);
  to.setPausedSetting(from.paused_setting);
  auto changes = to.initChangesNs(static_cast<unsigned>(from.changes.size()));
  for (unsigned i = 0; i < changes.size(); ++i) changes.set(i, from.changes[i].count());
  to.setChangedNs(from.changed ? from.changed->count() : -1);
  to.setRefusals(from.refusals);
  to.setRetryInNs(from.retry_in.count());
  to.setAsked(to_wire(from.asked));
  codec::write_list(
      from.events, [&](unsigned n) { return to.initEvents(n); },
      [](const policy_memory::event& one, wire::PolicyState::Event::Builder b) {
        b.setAgeNs(one.age.count());
        b.setKind(one.what.kind);
        b.setAsked(one.what.asked);
        b.setCause(one.what.cause);
        b.setOutcome(one.what.outcome);
        b.setReason(one.what.reason);
        b.setTransition(one.what.transition);
        b.setEpoch(one.what.epoch);
      });
}

policy_memory read(wire::PolicyState::Reader from) {
  policy_memory to;
  to.paused = from.getPaused();
  to.paused_by = text(from.getPausedBy());
  to.paused_setting = from.getPausedSetting();
  for (const auto one : from.getChangesNs()) to.changes.push_back(age(one));
  if (from.getChangedNs() >= 0) to.changed = age(from.getChangedNs());
  to.refusals = from.getRefusals();
  to.retry_in = age(from.getRetryInNs());
  to.asked = from_wire(from.getAsked());
  for (const auto one : from.getEvents()) {
    auto& e = to.events.emplace_back();
    e.age = age(one.getAgeNs());
    e.what.kind = text(one.getKind());
    e.what.asked = text(one.getAsked());
    e.what.cause = text(one.getCause());
    e.what.outcome = text(one.getOutcome());
    e.what.reason = text(one.getReason());
    e.what.transition = one.getTransition();
    e.what.epoch = one.getEpoch();
  }
  return to;
}

void grow_older(policy_memory& by_now, nanoseconds since) {
  since = std::clamp(since, nanoseconds(0), oldest);
  for (auto& one : by_now.changes) one += since;
  if (by_now.changed) *by_now.changed += since;
  by_now.retry_in -= std::min(by_now.retry_in, since);
  for (auto& e : by_now.events) e.age += since;
}

} // namespace instar
