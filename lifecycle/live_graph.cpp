#include "lifecycle/live_graph.hpp"

#include "actors/doorbell.hpp"
#include "actors/graph_requests.hpp"
#include "actors/open_requests.hpp"
#include "lifecycle/name_index.hpp"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

namespace instar {

namespace {

std::size_t port_index(const std::vector<port_description>& ports, const std::string& name) {
  const auto found = std::find_if(ports.begin(), ports.end(),
                                  [&](const port_description& p) { return p.name == name; });
  return static_cast<std::size_t>(found - ports.begin());
}

/// The payload type that an arc carries: of an output that follows an input, the declared one.
std::string payload_of(const arc_node& node, const typed_graph& of) {
  const auto& outputs = of.types.find(node.from)->second.outputs;
  return outputs.at(port_index(outputs, node.from_port)).payload;
}

cut_role role_of(const operator_change& op) {
  switch (op.action) {
  case operator_action::remove:
    return cut_role::remove;
  case operator_action::replace:
    return cut_role::replace;
  default:
    return op.arcs_change || op.renamed() ? cut_role::rewire : cut_role::pass;
  }
}

} // namespace

/// Numbers begin again only after 16 million places, when nobody holds a request of the first.
operator_place live_graph::make_place(const std::string& name) {
  std::uint64_t number = 0;
  const auto taken = [&](const auto& m) { return m.second.place.number == number; };
  do number = places_made_++ % open_requests::max_place + 1;
  while (places_made_ > open_requests::max_place &&
         std::any_of(members.begin(), members.end(), taken));
  auto bell = std::make_shared<doorbell>();
  return {name,
          bell,
          std::make_shared<inlet>(bell),
          std::make_shared<operator_counters>(),
          number,
          std::make_shared<open_requests>(number)};
}

live_graph live_graph::next(const transition_plan& plan, const typed_graph& wanted) {
  live_graph after;
  const name_index nodes(wanted.content);
  for (const auto& op : plan.operators) {
    if (op.action == operator_action::remove) continue;
    member m;
    if (op.action == operator_action::add) m.place = make_place(op.name);
    else m = members.find(op.before())->second;
    m.place.name = op.name;
    if (op.action != operator_action::keep || op.renamed()) {
      const auto& node = wanted.content.operators[nodes.find(op.name)];
      m.replica_of = node.replica_of;
      m.replicas = node.replicas;
    }
    if (op.action != operator_action::keep) {
      m.actor = nullptr;
      m.reference = op.new_reference;
    }
    after.members.emplace(op.name, std::move(m));
  }
  for (const auto& change : plan.arcs) {
    if (change.action == arc_action::remove) continue;
    const auto name = change.arc.name();
    auto queue = change.action == arc_action::keep
                     ? arcs.find(change.before())->second.queue
                     : std::make_shared<arc>(name, change.arc.capacity,
                                             change.arc.feedback != feedback_policy::none);
    after.arcs.emplace(name,
                       live_arc{change.arc, std::move(queue), payload_of(change.arc, wanted)});
  }
  return after;
}

std::map<std::string, operator_links> live_graph::all_links(const typed_graph& of) const {
  std::map<std::string, operator_links> links;
  for (const auto& [name, m] : members) links[name];
  const auto cycles = find_cycles(of.content);
  std::map<std::string_view, std::size_t> group; // by operator
  for (std::size_t i = 0; i < of.content.operators.size(); ++i)
    group.emplace(of.content.operators[i].name, cycles.of[i]);
  for (const auto& one : cycles.groups) {
    const auto shared = links_of(one, of.content);
    for (const auto i : one.operators) links[of.content.operators[i].name].cycles = shared;
  }
  for (const auto& node : of.content.arcs) {
    const auto& queue = arcs.find(node.name())->second.queue;
    const auto& from = members.find(node.from)->second.place;
    const auto& to = members.find(node.to)->second.place;
    const auto out = port_index(of.types.find(node.from)->second.outputs, node.from_port);
    const auto in = port_index(of.types.find(node.to)->second.inputs, node.to_port);
    links[node.from].out.push_back(
        {queue, out, to.bell, to.number, node.lane, node.lanes, node.key, node.group});
    const auto around = group.at(node.to);
    const bool outside = around != cycle_groups::none && group.at(node.from) != around;
    links[node.to].in.push_back({queue, in, from.bell, outside, from.number});
  }
  see_through(of, links);
  return links;
}

std::shared_ptr<const cycle_links> live_graph::links_of(const cycle_groups::group& of,
                                                        const graph& in) const {
  auto shared = std::make_shared<cycle_links>();
  for (const auto a : of.feedback)
    shared->feedback.push_back(arcs.find(in.arcs[a].name())->second.queue);
  for (const auto i : of.operators)
    shared->members.push_back(members.find(in.operators[i].name)->second.place.bell);
  return shared;
}

/// Requests and answers find their way by places: by those that ask and answer, whoever has been
/// put on an arc between them.
void live_graph::see_through(const typed_graph& of,
                             std::map<std::string, operator_links>& links) const {
  for (const auto& w : find_ways(of.content, of.types)) {
    if (w.first == w.last) continue;
    const auto& first = arcs.find(w.first->name())->second.queue;
    const auto& last = arcs.find(w.last->name())->second.queue;
    for (auto& out : links[w.first->from].out)
      if (out.queue == first) out.to = members.find(w.last->to)->second.place.number;
    for (auto& in : links[w.last->to].in)
      if (in.queue == last) in.from = members.find(w.first->from)->second.place.number;
  }
}

std::map<std::string, participation> live_graph::parts(const transition_plan& plan,
                                                       const live_graph& after,
                                                       const typed_graph& wanted,
                                                       epoch_t epoch) const {
  std::map<std::string, participation> parts;
  auto links = after.all_links(wanted);
  const bool drains = plan.drains();
  for (const auto& op : plan.operators) {
    if (op.action == operator_action::add || !(op.participates() || op.in_region)) continue;
    participation part;
    part.epoch = epoch;
    part.role = role_of(op);
    part.saves_state = op.state_by.moves();
    part.native = op.native;
    part.export_schema = op.state_by.written;
    part.parts = op.parts;
    part.awaited = drains || plan.saves || op.flushes;
    part.flushes = op.flushes;
    part.drains = drains;
    if (part.role == cut_role::rewire) {
      part.next = std::move(links[op.name]);
      part.next_name = op.name;
    }
    parts.emplace(op.before(), std::move(part));
  }
  for (const auto& change : plan.arcs) {
    if (!change.in_region) continue;
    const auto& running = arcs.find(change.before())->second;
    parts.at(running.node.from).marked_out.push_back(running.queue);
    parts.at(running.node.to).marked_in.push_back(running.queue);
  }
  add_drain(plan, parts);
  return parts;
}

void live_graph::add_cycles_above(const graph& running, const graph_index& index,
                                  std::map<std::string, participation>& parts) const {
  graph_index::numbers all;
  for (const auto& [name, part] : parts) all.push_back(index.find(name));
  for (const auto& [group, below] : index.cycles_above(all)) {
    const auto links = links_of(*group, running);
    for (const auto op : below)
      parts.find(running.operators[op].name)->second.cycles_above.push_back(links);
  }
}

/// What is to be done about loops that have to be empty before the markers pass.
void live_graph::add_drain(const transition_plan& plan,
                           std::map<std::string, participation>& parts) const {
  std::vector<std::shared_ptr<arc>> inside;
  std::set<std::string> within;
  std::size_t ways = 0;
  for (const auto& change : plan.arcs) {
    if (change.drain == drain_part::inside) {
      const auto& one = arcs.find(change.before())->second;
      inside.push_back(one.queue);
      within.insert(one.node.from);
    }
    ways += change.drain == drain_part::entrance;
  }
  if (inside.empty()) return;
  std::vector<std::shared_ptr<doorbell>> bells;
  for (const auto& name : within) bells.push_back(members.find(name)->second.place.bell);
  std::set<std::string> heads;
  for (const auto& op : plan.operators)
    if (op.drains) heads.insert(op.before());
  const auto drain =
      std::make_shared<loop_drain>(std::move(inside), ways + heads.size(), std::move(bells));
  for (const auto& name : within) {
    parts.at(name).drain = drain;
    parts.at(name).in_loop = true;
  }
  for (const auto& change : plan.arcs) {
    if (change.action == arc_action::add) continue;
    const auto& [node, queue, payload] = arcs.find(change.before())->second;
    const bool feedback = node.feedback != feedback_policy::none;
    if (feedback && change.action == arc_action::remove)
      parts.at(node.from).ending_out.push_back(queue);
    if (plan.saves && feedback && change.drain == drain_part::inside)
      parts.at(node.from).quiet_out.push_back(queue);
    if (change.drain == drain_part::entrance) {
      auto& part = parts.at(node.to);
      part.drain = drain;
      part.ways_in.push_back(queue);
    } else if (change.drain == drain_part::inside && feedback && heads.count(node.to)) {
      parts.at(node.to).drained_in.push_back(queue);
    }
  }
}

void live_graph::adopt(const transition_plan& plan, live_graph after) {
  std::set<std::string> changed;
  for (const auto& op : plan.operators) {
    if (!op.participates()) continue;
    if (op.action != operator_action::add) members.erase(op.before());
    if (op.action != operator_action::remove) changed.insert(op.name);
  }
  for (const auto& name : changed) members.insert(after.members.extract(name));
  // Of a kept arc the name may be another, and what its producer sends.
  const auto differs = [&](const arc_change& a) {
    return a.action != arc_action::keep || !a.old_name.empty() || changed.count(a.arc.from);
  };
  for (const auto& a : plan.arcs)
    if (differs(a) && a.action != arc_action::add) arcs.erase(a.before());
  for (const auto& a : plan.arcs)
    if (differs(a) && a.action != arc_action::remove) arcs.insert(after.arcs.extract(a.arc.name()));
}

void live_graph::describe(service_status& into) const {
  for (const auto& [name, m] : members) {
    const auto& c = *m.place.counters;
    operator_status s;
    s.name = name;
    s.reference = m.reference;
    s.since_epoch = m.since;
    s.phase = "running";
    s.packets_in = c.packets_in.get();
    s.packets_out = c.packets_out.get();
    s.events = c.events.get();
    s.events_waiting = m.place.events->waiting();
    s.activations = c.activations.get();
    s.busy_ns = c.busy_ns.get();
    s.blocked = c.blocked.get();
    s.errors = c.errors.get();
    s.restarts = c.restarts.get();
    s.late_answers = c.late_answers.get();
    s.entries = c.entries.get();
    s.replica_of = m.replica_of;
    s.replicas = m.replicas;
    s.hot_key = c.hot_key.get();
    if (const auto seen = c.keys_seen.get(); seen > 0)
      s.hot_share = static_cast<double>(c.hot_seen.get()) / static_cast<double>(seen);
    into.operators.push_back(std::move(s));
  }
  for (const auto& [name, a] : arcs)
    into.arcs.push_back(
        {name, a.payload, a.queue->capacity(), a.queue->queued(), a.queue->feedback()});
}

} // namespace instar
