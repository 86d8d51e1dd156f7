#include "actors/graph_flow.hpp"

#include "actors/payload.hpp"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

namespace instar {

namespace {

/// More cycles than these are not worth a line each: most go away together.
constexpr std::size_t most_cycles = 16;

/// Operators as numbers, and what follows them along ordinary arcs.
struct shape {
  std::vector<std::vector<std::size_t>> next;
  std::vector<std::size_t> missing; ///< arcs from operators that are not placed yet
  std::vector<bool> placed;

  explicit shape(const graph& g, const std::map<std::string, std::size_t, std::less<>>& index)
      : next(g.operators.size()), missing(g.operators.size(), 0),
        placed(g.operators.size(), false) {
    for (const auto& a : g.arcs) {
      const auto from = index.find(a.from), to = index.find(a.to);
      if (from == index.end() || to == index.end() || from == to) continue;
      if (a.feedback != feedback_policy::none) continue;
      next[from->second].push_back(to->second);
      ++missing[to->second];
    }
  }

  /// Some cycle among what is not placed, in the direction of its arcs. There has to be one.
  std::vector<std::size_t> cycle() const {
    // Every operator that is left has a predecessor that is left: walking back finds a cycle.
    std::vector<std::size_t> previous(next.size(), 0);
    for (std::size_t i = 0; i < next.size(); ++i)
      if (!placed[i])
        for (const auto to : next[i]) previous[to] = i;
    auto at =
        static_cast<std::size_t>(std::find(placed.begin(), placed.end(), false) - placed.begin());
    std::vector<bool> visited(next.size(), false);
    for (; !visited[at]; at = previous[at]) visited[at] = true;
    std::vector<std::size_t> found{at};
    for (auto i = previous[at]; i != at; i = previous[i]) found.push_back(i);
    std::reverse(found.begin(), found.end());
    std::rotate(found.begin(), std::min_element(found.begin(), found.end()), found.end());
    return found;
  }
};

/// An output that packets come from, however far back.
struct carrier {
  const operator_description* type;
  const port_description* port;

  bool operator==(const carrier& other) const {
    return port->name == other.port->name && type->name == other.type->name &&
           type->version == other.type->version;
  }
};

bool accepts(std::string_view input, std::string_view carries) {
  return carries.starts_with(input) &&
         (carries.size() == input.size() || carries[input.size()] == '.');
}

const port_description* port_of(const std::vector<port_description>& ports,
                                const std::string& name) {
  const auto found = std::find_if(ports.begin(), ports.end(),
                                  [&](const port_description& p) { return p.name == name; });
  return found == ports.end() ? nullptr : &*found;
}

class flow {
public:
  flow(const graph& g, const operator_types& types, const complain_function& complain)
      : graph_(g), types_(types), complain_(complain) {
    for (std::size_t i = 0; i < g.operators.size(); ++i) index_.emplace(g.operators[i].name, i);
    leaving_.resize(g.operators.size());
  }

  void run(flow_scope scope) {
    const shape s(graph_, index_);
    const auto order = topological_order(s);
    if (!order) return;
    if (scope == flow_scope::cycles_and_payloads) find_idle_feedback(s, *order);
    for (const auto& a : graph_.arcs)
      if (const auto from = index_.find(a.from); from != index_.end())
        leaving_[from->second].push_back(&a);
    settle(*order);
    for (const auto i : *order)
      for (const auto* a : leaving_[i]) follow(*a);
  }

private:
  /// The operators so that every ordinary arc leads forward; none if there are cycles, which are
  /// reported.
  std::optional<std::vector<std::size_t>> topological_order(shape s) {
    std::vector<std::size_t> order;
    const auto place = [&](std::size_t i) {
      s.placed[i] = true;
      order.push_back(i);
    };
    for (std::size_t i = 0; i < s.next.size(); ++i)
      if (s.missing[i] == 0) place(i);
    std::size_t cycles = 0;
    for (std::size_t done = 0; order.size() < s.next.size();) {
      if (done < order.size()) {
        for (const auto to : s.next[order[done++]])
          if (--s.missing[to] == 0 && !s.placed[to]) place(to);
        continue;
      }
      const auto found = s.cycle();
      report_cycle(found);
      if (++cycles == most_cycles) return std::nullopt;
      for (const auto i : found) place(i); // as if it were broken, to find the next one
    }
    if (cycles > 0) return std::nullopt;
    return order;
  }

  void report_cycle(const std::vector<std::size_t>& cycle) {
    constexpr std::size_t most = 20;
    const auto name = [&](std::size_t i) -> const std::string& { return graph_.operators[i].name; };
    std::string text;
    for (std::size_t i = 0; i < cycle.size() && i < most; ++i) text += name(cycle[i]) + " -> ";
    if (cycle.size() > most) text += "… -> ";
    const auto& first = graph_.operators[cycle.front()];
    complain_(first.line, first.name, errc::bad_input,
              "is on a cycle (" + text + first.name +
                  "); give one of its arcs feedback = \"hand_over\"");
  }

  /// Tells every feedback arc that no way of ordinary arcs leads back along. As many at a time as
  /// a word has bits: a graph may have very many.
  void find_idle_feedback(const shape& s, const std::vector<std::size_t>& order) {
    std::vector<const arc_node*> batch;
    std::vector<std::uint64_t> reached;
    const auto judge = [&] {
      reached.assign(s.next.size(), 0);
      for (std::size_t bit = 0; bit < batch.size(); ++bit)
        reached[index_.find(batch[bit]->to)->second] |= std::uint64_t{1} << bit;
      for (const auto i : order)
        for (const auto to : s.next[i]) reached[to] |= reached[i];
      for (std::size_t bit = 0; bit < batch.size(); ++bit) {
        const auto& a = *batch[bit];
        if (reached[index_.find(a.from)->second] >> bit & 1) continue;
        complain_(a.line, a.from, errc::bad_input,
                  "the feedback arc " + a.name() +
                      " closes no cycle: no ordinary arcs lead from '" + a.to + "' to '" + a.from +
                      "'; remove its feedback");
      }
      batch.clear();
    };
    for (const auto& a : graph_.arcs) {
      if (a.feedback == feedback_policy::none || !index_.count(a.from) || !index_.count(a.to))
        continue;
      batch.push_back(&a);
      if (batch.size() == 64) judge();
    }
    if (!batch.empty()) judge();
  }

  /// Finds what arrives at each input where arcs lead back. Until nothing new comes, an output that
  /// follows an input carries only what has arrived there; what does not fit is told later.
  void settle(const std::vector<std::size_t>& order) {
    if (std::none_of(graph_.arcs.begin(), graph_.arcs.end(),
                     [](const arc_node& a) { return a.feedback != feedback_policy::none; }))
      return;
    settling_ = true;
    std::deque<std::size_t> open(order.begin(), order.end());
    std::vector<bool> waits(order.size(), true);
    while (!open.empty()) {
      const auto i = open.front();
      open.pop_front();
      waits[i] = false;
      for (const auto* a : leaving_[i]) {
        if (!follow(*a)) continue;
        const auto to = index_.find(a->to)->second;
        if (!waits[to]) open.push_back(to);
        waits[to] = true;
      }
    }
    settling_ = false;
  }

  /// Checks what an arc carries, and notes what arrives at its end. Returns whether that is new.
  bool follow(const arc_node& a) {
    const auto from = types_.find(a.from), to = types_.find(a.to);
    if (from == types_.end() || to == types_.end()) return false;
    const auto* out = port_of(from->second.outputs, a.from_port);
    const auto* in = port_of(to->second.inputs, a.to_port);
    if (!out || !in) return false;
    bool fresh = false;
    auto& arrived = arriving_[{a.to, in->name}];
    for (const auto& c : carried(a.from, from->second, *out)) {
      if (!fits(a, c, from->second, to->second, *in)) continue;
      if (std::find(arrived.begin(), arrived.end(), c) != arrived.end()) continue;
      arrived.push_back(c);
      fresh = true;
    }
    return fresh;
  }

  std::vector<carrier> carried(const std::string& op, const operator_description& type,
                               const port_description& out) {
    if (out.follows >= 0 && static_cast<std::size_t>(out.follows) < type.inputs.size()) {
      const auto& input = type.inputs[static_cast<std::size_t>(out.follows)].name;
      const auto known = arriving_.find({op, input});
      if (known != arriving_.end() && !known->second.empty()) return known->second;
      if (settling_) return {};
    }
    return {{&type, &out}};
  }

  bool fits(const arc_node& a, const carrier& c, const operator_description& from,
            const operator_description& to, const port_description& in) {
    const auto refuse = [&](const std::string& what, const char* remedy) {
      if (settling_) return false;
      complain_(a.line, a.to, errc::incompatible, "the arc " + a.name() + what + remedy);
      return false;
    };
    if (in.payload == any_payload::payload_name) return true;
    const auto by = c.type == &from ? std::string() : " of " + c.type->reference();
    if (!accepts(in.payload, c.port->payload))
      return refuse(" carries " + c.port->payload + by + ", but " + to.reference() + " accepts " +
                        in.payload,
                    "; exchange the operators at both ends together, or put one between");
    if (c.port->schema != in.schema)
      return refuse(" carries " + schema_name(*c.type, c.port->schema) + by + ", but " +
                        to.reference() + " accepts " + schema_name(to, in.schema),
                    "; use operators that agree on the schema, or put a converter between");
    if (in.schema == 0) return true;
    const auto& verdict = compatible(*c.type, to, in.schema);
    return verdict.empty() ||
           refuse(" carries packets" + by + " that " + to.reference() + " cannot read: " + verdict,
                  "");
  }

  static std::string schema_name(const operator_description& type, std::uint64_t schema) {
    return schema == 0 ? "no record" : type.schemas.display_name(schema);
  }

  /// Why `to` cannot read what `from` writes; empty if it can. Loading schemas is slow, and a graph
  /// may have many arcs between operators of the same types.
  const std::string& compatible(const operator_description& from, const operator_description& to,
                                std::uint64_t schema) {
    auto [at, fresh] = verdicts_.try_emplace({from.reference(), to.reference(), schema});
    if (fresh)
      if (auto good = check_compatible(from.schemas, schema, to.schemas, schema); !good)
        at->second = good.error().message;
    return at->second;
  }

  const graph& graph_;
  const operator_types& types_;
  const complain_function& complain_;
  std::map<std::string, std::size_t, std::less<>> index_;
  std::map<std::pair<std::string, std::string>, std::vector<carrier>> arriving_; ///< by input
  std::map<std::tuple<std::string, std::string, std::uint64_t>, std::string> verdicts_;
  std::vector<std::vector<const arc_node*>> leaving_; ///< arcs by operator
  bool settling_ = false;
};

} // namespace

void check_flow(const graph& g, const operator_types& types, flow_scope scope,
                const complain_function& complain) {
  flow(g, types, complain).run(scope);
}

} // namespace instar
