#include "ledger.hpp"

#include <algorithm>
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

std::set<std::pair<std::string, std::size_t>> arcs_at(const graph& g, const std::string& name) {
  std::set<std::pair<std::string, std::size_t>> found;
  for (const auto& a : g.arcs)
    if (a.from == name || a.to == name)
      found.emplace(a.from + "." + std::string(port_of(a)) + " -> " + a.to, a.capacity);
  return found;
}

} // namespace

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
  e.from = w.op;
  e.instance = w.instance;
  e.born = w.born;
  logs_[w.op].push_back(e);
  return logs_[w.op].size() - 1;
}

std::size_t ledger::take(const who& w, const tag& t) {
  entry e;
  e.id = t.id;
  e.request = t.request;
  e.from = t.from;
  e.instance = w.instance;
  e.born = w.born;
  logs_[w.op].push_back(e);
  return logs_[w.op].size() - 1;
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

  run(const ledger& l, const std::vector<graph_version>& g, bool c)
      : of(l), graphs(g), complete(c), places(l.names_.size()), moments(l.names_.size()) {}

  std::optional<std::string> all() {
    lay_out();
    if (auto breach = follow_arcs()) return breach;
    for (std::uint32_t op = 0; op < of.names_.size(); ++op)
      if (auto breach = find_moments(op)) return breach;
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
        places[from->second][g].ports[port_of(a)].push_back(to == of.indexes_.end() ? UINT32_MAX
                                                                                    : to->second);
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
        if (e.from == op) continue; // begun here
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

  /// A request meets the operators that a transition changes all before it or all after it.
  std::optional<std::string> meet_one_side(std::size_t g) const {
    struct sides {
      std::uint32_t before = UINT32_MAX, after = UINT32_MAX;
    };
    std::vector<sides> met(of.requests_.size());
    for (const auto& name : participants(graphs[g - 1].content, graphs[g].content)) {
      const auto found = of.indexes_.find(name);
      if (found == of.indexes_.end()) continue;
      const auto op = found->second;
      for (std::size_t at = 0; at < of.logs_[op].size(); ++at) {
        auto& m = met[of.logs_[op][at].request];
        if (moments[op][at].latest < g) m.before = op;
        if (moments[op][at].earliest >= g) m.after = op;
        if (m.before != UINT32_MAX && m.after != UINT32_MAX)
          return of.describe(of.logs_[op][at].request) + " met " + of.names_[m.before] +
                 " before and " + of.names_[m.after] + " after the transition to epoch " +
                 std::to_string(graphs[g].epoch);
      }
    }
    return std::nullopt;
  }
};

std::optional<std::string> ledger::check(const std::vector<graph_version>& graphs,
                                         bool complete) const {
  return run(*this, graphs, complete).all();
}

} // namespace instar::test
