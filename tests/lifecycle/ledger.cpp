#include "ledger.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace instar::test {

namespace {

std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  std::uint64_t z = a + 0x9e3779b97f4a7c15ull * (b + 1);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

/// Output ports have names; a graph may leave out that of the only one.
std::string_view port_of(const arc_node& a) {
  return a.from_port.empty() ? std::string_view("out") : std::string_view(a.from_port);
}

using arc_identity = std::tuple<std::string, std::size_t, feedback_policy>;

arc_identity identity_of(const arc_node& a) {
  return {a.from + "." + std::string(port_of(a)) + " -> " + a.to, a.capacity, a.feedback};
}

std::set<arc_identity> arcs_at(const graph& g, const std::string& name) {
  std::set<arc_identity> found;
  for (const auto& a : g.arcs)
    if (a.from == name || a.to == name) found.insert(identity_of(a));
  return found;
}

bool is_feedback(const arc_node& a) { return a.feedback != feedback_policy::none; }

/// Operators from which a packet that has left the head of a feedback arc may come back along it:
/// by ordinary arcs, and by feedback arcs that lead back within.
std::set<std::string> loop_of(const graph& g, const arc_node& feedback) {
  const auto grow = [&](std::set<std::string>& found, const auto& next) {
    for (std::size_t before = 0; before != found.size();) {
      before = found.size();
      for (const auto& a : g.arcs) next(a, found);
    }
  };
  std::set<std::string> ahead{feedback.to}, loop{feedback.from};
  grow(ahead, [](const arc_node& a, auto& found) {
    if (!is_feedback(a) && found.count(a.from)) found.insert(a.to);
  });
  grow(loop, [&](const arc_node& a, auto& found) {
    const bool within = !is_feedback(a) || a.to != feedback.to;
    if (within && found.count(a.to) && ahead.count(a.to) && ahead.count(a.from))
      found.insert(a.from);
  });
  return loop;
}

} // namespace

std::set<std::size_t> emptied_arcs(const graph& before, const graph& after) {
  std::set<arc_identity> kept;
  for (const auto& a : after.arcs) kept.insert(identity_of(a));
  const auto changed = participants(before, after);
  std::set<std::size_t> emptied;
  for (std::size_t i = 0; i < before.arcs.size(); ++i) {
    const auto& a = before.arcs[i];
    if (!is_feedback(a)) continue;
    const auto loop = loop_of(before, a);
    const auto changes = [&](const std::string& op) { return changed.count(op) > 0; };
    const bool drained =
        a.feedback == feedback_policy::drain && std::any_of(loop.begin(), loop.end(), changes);
    if (!drained && kept.count(identity_of(a))) continue;
    emptied.insert(i);
    for (std::size_t j = 0; j < before.arcs.size(); ++j) {
      const auto& b = before.arcs[j];
      if (is_feedback(b) && b.to != a.to && loop.count(b.from) && loop.count(b.to))
        emptied.insert(j);
    }
  }
  return emptied;
}

std::set<std::string> participants(const graph& before, const graph& after) {
  std::set<std::string> changed;
  for (const auto& op : before.operators) {
    const auto* now = after.find(op.name);
    if (!now || now->reference() != op.reference() ||
        arcs_at(before, op.name) != arcs_at(after, op.name))
      changed.insert(op.name);
  }
  for (const auto& op : after.operators)
    if (!before.find(op.name)) changed.insert(op.name);
  return changed;
}

// -- notes ----------------------------------------------------------------------------------------

std::uint32_t ledger::index(std::string_view name) {
  if (const auto found = indexes_.find(name); found != indexes_.end()) return found->second;
  const auto fresh = static_cast<std::uint32_t>(names_.size());
  names_.emplace_back(name);
  indexes_.emplace(name, fresh);
  logs_.emplace_back();
  return fresh;
}

std::size_t ledger::begin(const who& w, std::uint64_t number) {
  const auto id = static_cast<std::uint32_t>(requests_.size());
  requests_.push_back({w.op, number});
  entry e;
  e.id = mix(mix(w.op, w.born), number);
  e.request = id;
  e.instance = w.instance;
  e.born = w.born;
  e.begun = true;
  return note(w.op, e);
}

std::size_t ledger::take(const who& w, const tag& t) {
  entry e;
  e.id = t.id;
  e.request = t.request;
  e.instance = w.instance;
  e.born = w.born;
  return note(w.op, e);
}

std::size_t ledger::note(std::uint32_t op, const entry& e) {
  logs_[op].push_back(e);
  order_.emplace_back(op, logs_[op].size() - 1);
  return logs_[op].size() - 1;
}

ledger::tag ledger::emit(const who& w, std::size_t at, std::string_view port) {
  auto& e = logs_[w.op][at];
  if (e.outs == 0) e.first_out = outs_.size();
  const auto id = mix(mix(e.id, w.op), e.outs++);
  outs_.push_back({id, port});
  return {id, e.request, w.op};
}

std::uint64_t ledger::processed(const who& w) const {
  const auto& log = logs_[w.op];
  return static_cast<std::uint64_t>(std::count_if(
      log.begin(), log.end(), [&](const entry& e) { return e.born == w.born && !e.failed; }));
}

std::size_t ledger::entries(std::string_view name) const {
  const auto found = indexes_.find(name);
  if (found == indexes_.end()) return 0;
  const auto& log = logs_[found->second];
  return static_cast<std::size_t>(std::count_if(
      log.begin(), log.end(), [&](const entry& e) { return e.born == log.back().born; }));
}

std::string ledger::describe(std::uint32_t id) const {
  const auto& r = requests_[id];
  return "item " + std::to_string(r.number) + " of " + names_[r.source];
}

// -- check ----------------------------------------------------------------------------------------

/// Everything is by index: operators as in the ledger, graphs as in the list.
struct ledger::run {
  using receivers = std::vector<std::uint32_t>; // operators, sorted
  /// One operator in one graph.
  struct place {
    bool there = false;
    epoch_t instance = 0; // that brought the instance that runs here
    std::map<std::string_view, receivers> ports;
    /// Of those, the ones that share what leaves the port: each packet goes to one of a group.
    std::map<std::string_view, std::map<std::string, receivers>> groups;
  };
  /// Between which graphs an operator was when it worked on an entry.
  struct moment {
    std::size_t earliest = 0, latest = 0;
  };
  struct emission {
    std::uint32_t op = 0;
    std::size_t at = 0, part = 0;
    std::string_view port;
  };

  const ledger& of;
  const std::vector<graph_version>& graphs;
  const bool complete;
  std::vector<std::vector<place>> places; // operator, graph
  std::unordered_map<std::uint64_t, emission> emitted;
  std::unordered_map<std::uint64_t, receivers> received;
  std::vector<std::vector<moment>> moments; // operator, entry

  /// An arc in the graphs that have it, for those that are feedback in some.
  struct feedback_arc {
    std::vector<bool> feedback; // graph
    std::vector<bool> emptied;  // by the transition to this graph
  };
  std::map<std::tuple<std::uint32_t, std::string_view, std::uint32_t>, feedback_arc> feedback_arcs;
  static constexpr std::size_t none = SIZE_MAX;
  /// What was noted, in its order: each a step on a packet's way.
  struct step {
    std::size_t before = none;          // the step that emitted it
    const feedback_arc* over = nullptr; // along which it came
  };
  std::vector<step> steps;

  run(const ledger& l, const std::vector<graph_version>& g, bool c)
      : of(l), graphs(g), complete(c), places(l.names_.size()), moments(l.names_.size()) {}

  std::optional<std::string> all() {
    lay_out();
    if (auto breach = follow_arcs()) return breach;
    for (std::uint32_t op = 0; op < of.names_.size(); ++op)
      if (auto breach = find_moments(op)) return breach;
    lay_out_loops();
    find_steps();
    for (std::size_t g = 1; g < graphs.size(); ++g)
      if (auto breach = meet_one_side(g)) return breach;
    return std::nullopt;
  }

  void lay_out() {
    for (std::uint32_t op = 0; op < of.names_.size(); ++op) {
      auto& in_graphs = places[op];
      in_graphs.resize(graphs.size());
      for (std::size_t g = 0; g < graphs.size(); ++g) {
        const auto* node = graphs[g].content.find(of.names_[op]);
        if (!node) continue;
        const auto* before = g > 0 ? graphs[g - 1].content.find(of.names_[op]) : nullptr;
        in_graphs[g].there = true;
        in_graphs[g].instance = before && before->reference() == node->reference()
                                    ? in_graphs[g - 1].instance
                                    : graphs[g].epoch;
      }
    }
    for (std::size_t g = 0; g < graphs.size(); ++g)
      for (const auto& a : graphs[g].content.arcs) {
        const auto from = of.indexes_.find(a.from), to = of.indexes_.find(a.to);
        if (from == of.indexes_.end()) continue;
        // An operator that never ran has no index, but what it was sent is missing all the same.
        const auto receiver = to == of.indexes_.end() ? UINT32_MAX : to->second;
        places[from->second][g].ports[port_of(a)].push_back(receiver);
        if (a.lanes > 1) places[from->second][g].groups[port_of(a)][a.group].push_back(receiver);
      }
    for (auto& in_graphs : places)
      for (auto& p : in_graphs)
        for (auto& [port, to] : p.ports) std::sort(to.begin(), to.end());
  }

  /// No packet from nowhere, none twice, and those of one arc in the order in which they left.
  std::optional<std::string> follow_arcs() {
    for (std::uint32_t op = 0; op < of.names_.size(); ++op)
      for (std::size_t at = 0; at < of.logs_[op].size(); ++at) {
        const auto& e = of.logs_[op][at];
        for (std::size_t part = 0; part < e.outs; ++part) {
          const auto& o = of.outs_[e.first_out + part];
          emitted.emplace(o.id, emission{op, at, part, o.port});
        }
      }
    for (std::uint32_t op = 0; op < of.names_.size(); ++op) {
      std::map<std::pair<std::uint32_t, std::string_view>, std::pair<std::size_t, std::size_t>>
          last; // arc -> entry and part of its sender, plus one
      for (const auto& e : of.logs_[op]) {
        if (e.begun) continue;
        const auto found = emitted.find(e.id);
        const auto where = of.describe(e.request) + " at " + of.names_[op];
        if (found == emitted.end()) return where + ": nobody has sent it";
        const auto& sent = found->second;
        const auto from = " from " + of.names_[sent.op];
        auto& to = received[e.id];
        if (std::find(to.begin(), to.end(), op) != to.end()) return where + from + ": twice";
        to.push_back(op);
        auto& before = last[{sent.op, sent.port}];
        const auto now = std::pair(sent.at + 1, sent.part + 1);
        if (now <= before) return where + from + ": overtaken by a later one";
        before = now;
      }
    }
    for (auto& [id, to] : received) std::sort(to.begin(), to.end());
    return std::nullopt;
  }

  bool went_to_one_of_each(const receivers& to, const receivers& all,
                           const std::map<std::string, receivers>& groups) const {
    if (!std::includes(all.begin(), all.end(), to.begin(), to.end())) return false;
    auto alone = all.size();
    for (const auto& group : groups) {
      const auto& members = group.second;
      const auto got = std::count_if(to.begin(), to.end(), [&](std::uint32_t one) {
        return std::find(members.begin(), members.end(), one) != members.end();
      });
      if (got > 1 || (complete && got == 0)) return false;
      alone -= members.size();
    }
    return !complete || to.size() == alone + groups.size();
  }

  /// Whether operator `op` may have worked on `e` as part of graph `g`.
  bool allowed(std::uint32_t op, const entry& e, std::size_t g) const {
    const auto& here = places[op][g];
    if (!here.there || here.instance != e.instance) return false;
    static const receivers none;
    for (std::size_t part = 0; part < e.outs; ++part) {
      const auto& o = of.outs_[e.first_out + part];
      const auto wanted = here.ports.find(o.port);
      const auto got = received.find(o.id);
      const auto& to = got == received.end() ? none : got->second;
      const auto& all = wanted == here.ports.end() || e.failed ? none : wanted->second;
      if (const auto shared = here.groups.find(o.port); shared != here.groups.end() && !e.failed) {
        if (!went_to_one_of_each(to, all, shared->second)) return false;
        continue;
      }
      if (complete ? to != all : !std::includes(all.begin(), all.end(), to.begin(), to.end()))
        return false;
    }
    return true;
  }

  /// Each transition has one moment in an operator's log: what came before went where the old graph
  /// says, to all of it, the rest where the new one says.
  std::optional<std::string> find_moments(std::uint32_t op) {
    const auto& log = of.logs_[op];
    auto& found = moments[op];
    found.resize(log.size());
    std::size_t g = 0;
    for (std::size_t at = 0; at < log.size(); ++at) {
      const auto begin = g;
      while (g < graphs.size() && !allowed(op, log[at], g)) ++g;
      if (g == graphs.size()) return explain(op, log[at], begin);
      found[at].earliest = g;
    }
    g = graphs.size();
    for (std::size_t at = log.size(); at-- > 0;) {
      g = std::min(g, graphs.size() - 1);
      while (!allowed(op, log[at], g)) --g; // ends at `earliest` at the latest
      found[at].latest = g;
    }
    return std::nullopt;
  }

  std::string explain(std::uint32_t op, const entry& e, std::size_t begin) const {
    std::string text = of.describe(e.request) + ", taken by " + of.names_[op] +
                       " (instance of epoch " + std::to_string(e.instance) + "), reached";
    bool any = false;
    for (std::size_t part = 0; part < e.outs; ++part)
      if (const auto got = received.find(of.outs_[e.first_out + part].id); got != received.end())
        for (const auto to : got->second) {
          text += " " + of.names_[to];
          any = true;
        }
    if (!any) text += " nobody";
    text += "; no graph from epoch " + std::to_string(graphs[begin].epoch) + " on sends it so";
    for (std::size_t g = begin; g < graphs.size(); ++g) {
      text += g == begin ? " (" : "; ";
      text += std::to_string(graphs[g].epoch) + ":";
      if (!places[op][g].there) text += " not there";
      for (const auto& [port, to] : places[op][g].ports)
        for (const auto each : to)
          text += " " + std::string(port) + "->" +
                  (each == UINT32_MAX ? std::string("(one that never ran)") : of.names_[each]);
    }
    return text + ")";
  }

  void lay_out_loops() {
    for (std::size_t g = 0; g < graphs.size(); ++g) {
      const auto& arcs = graphs[g].content.arcs;
      if (std::none_of(arcs.begin(), arcs.end(), is_feedback)) continue;
      const auto emptied = g + 1 < graphs.size()
                               ? emptied_arcs(graphs[g].content, graphs[g + 1].content)
                               : std::set<std::size_t>{};
      for (std::size_t a = 0; a < arcs.size(); ++a) {
        const auto from = of.indexes_.find(arcs[a].from), to = of.indexes_.find(arcs[a].to);
        if (!is_feedback(arcs[a]) || from == of.indexes_.end() || to == of.indexes_.end()) continue;
        auto& noted = feedback_arcs[{from->second, port_of(arcs[a]), to->second}];
        noted.feedback.resize(graphs.size());
        noted.emptied.resize(graphs.size());
        noted.feedback[g] = true;
        if (emptied.count(a)) noted.emptied[g + 1] = true;
      }
    }
  }

  void find_steps() {
    std::vector<std::vector<std::size_t>> number(of.logs_.size()); // of a step: operator, entry
    for (std::size_t op = 0; op < of.logs_.size(); ++op) number[op].resize(of.logs_[op].size());
    steps.resize(of.order_.size());
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const auto [op, at] = of.order_[i];
      number[op][at] = i;
      const auto& e = of.logs_[op][at];
      if (e.begun) continue;
      const auto& sent = emitted.find(e.id)->second;
      steps[i].before = number[sent.op][sent.at];
      if (feedback_arcs.empty()) continue;
      const auto over = feedback_arcs.find({sent.op, sent.port, op});
      if (over != feedback_arcs.end()) steps[i].over = &over->second;
    }
  }

  const moment& moment_of(std::size_t step) const {
    const auto [op, at] = of.order_[step];
    return moments[op][at];
  }

  /// Whether this step came along a feedback arc that the transition to graph `g` does not empty.
  bool begins_anew(const step& s, std::size_t g) const {
    if (!s.over || s.over->emptied[g]) return false;
    const auto& sent = moment_of(s.before);
    for (auto i = sent.earliest; i <= sent.latest; ++i)
      if (s.over->feedback[i]) return true;
    return false;
  }

  /// A request meets the operators that a transition changes all before it or all after it. Where
  /// it begins anew it may have met them before, and meet them after.
  std::optional<std::string> meet_one_side(std::size_t g) const {
    std::vector<bool> changed(of.names_.size(), false);
    for (const auto& name : participants(graphs[g - 1].content, graphs[g].content))
      if (const auto found = of.indexes_.find(name); found != of.indexes_.end())
        changed[found->second] = true;
    constexpr std::uint32_t nobody = UINT32_MAX;
    struct sides {
      std::uint32_t before = nobody, after = nobody;
    };
    std::vector<sides> met(steps.size());                   // by the first step of each part
    std::vector<std::size_t> part(steps.size());            // its first step
    std::vector<std::uint32_t> ahead(steps.size(), nobody); // met after, up to here
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const auto& s = steps[i];
      part[i] = s.before == none || begins_anew(s, g) ? i : part[s.before];
      if (s.before != none) ahead[i] = ahead[s.before];
      const auto op = of.order_[i].first;
      if (!changed[op]) continue;
      auto& m = met[part[i]];
      const auto& when = moment_of(i);
      if (when.latest < g) m.before = op;
      if (when.earliest >= g) m.after = ahead[i] = op;
      const bool half = m.before != nobody && m.after != nobody;
      const bool back = when.latest < g && ahead[i] != nobody;
      if (!half && !back) continue;
      const auto& e = of.logs_[op][of.order_[i].second];
      const auto& first = back ? ahead[i] : m.before;
      return of.describe(e.request) + " met " + of.names_[first] +
             (back ? " after and then " + of.names_[op] + " before"
                   : " before and " + of.names_[m.after] + " after") +
             " the transition to epoch " + std::to_string(graphs[g].epoch);
    }
    return std::nullopt;
  }
};

std::optional<std::string> ledger::check(const std::vector<graph_version>& graphs,
                                         bool complete) const {
  return run(*this, graphs, complete).all();
}

} // namespace instar::test
