#pragma once

#include "actors/graph.hpp"
#include "actors/status.hpp"
#include "lifecycle/admin.capnp.h"
#include "lifecycle/plan.hpp"
#include "lifecycle/policy_status.hpp"
#include "lifecycle/service.hpp"
#include "lifecycle/wanted_change.hpp"

/// The plain values of status.hpp, plan.hpp and graph.hpp in the words of admin.capnp.
///
/// `write` puts a value into a message, `read` takes it out again; reading what was written gives
/// an equal value. `read` throws `kj::Exception` on a malformed message and lets enumerators that
/// a later version may bring stand for the most careful of the known ones.
namespace instar {

/// `drop_state` goes with what is wanted.
void write(const wanted_change& from, wire::Wanted::Builder to,
           const std::vector<std::string>& drop_state = {});
void write(const named_graph& from, wire::NamedGraph::Builder to);
void write(const service_status& from, wire::Status::Builder to);
void write(const graph& from, wire::Graph::Builder to);
void write(const transition_plan& from, wire::Plan::Builder to);
void write(const history_entry& from, wire::HistoryEntry::Builder to);
void write(const checkpoint_listing& from, wire::Session::CheckpointsResults::Builder to);
void write(const policy_status& from, wire::Policy::Builder to);

wanted_change read(wire::Wanted::Reader from);
std::vector<std::string> read_drop_state(wire::Wanted::Reader from);
named_graph read(wire::NamedGraph::Reader from);
service_status read(wire::Status::Reader from);
graph read(wire::Graph::Reader from);
transition_plan read(wire::Plan::Reader from);
history_entry read(wire::HistoryEntry::Reader from);
checkpoint_listing read(wire::Session::CheckpointsResults::Reader from);
policy_status read(wire::Policy::Reader from);

} // namespace instar
