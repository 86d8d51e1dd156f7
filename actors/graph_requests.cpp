#include "actors/graph_requests.hpp"

#include "actors/payload.hpp"

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace instar {

namespace {

/// One end of an arc.
struct port_at {
  const operator_description& type;
  const std::vector<port_description>& ports;
  std::size_t index;

  const port_description& port() const { return ports[index]; }
  /// The port of the other direction at which the answers are, of one that asks or is asked.
  const port_description& partner(const std::vector<port_description>& others) const {
    return others[static_cast<std::size_t>(port().answers)];
  }
};

/// Finds out where the packets of an arc end up.
class passages {
public:
  passages(const graph& g, const operator_types& types) : types_(types) {
    for (const auto& a : g.arcs) leaving_[a.from + "." + a.from_port].push_back(&a);
  }

  /// The one arc that goes on from here through an operator that passes on whatever comes.
  const arc_node* onward(const arc_node& a) const {
    const auto type = types_.find(a.to);
    if (type == types_.end()) return nullptr;
    const arc_node* next = nullptr;
    for (const auto& out : type->second.outputs) {
      if (!passes(type->second, out, a.to_port)) continue;
      const auto found = leaving_.find(a.to + "." + out.name);
      if (found == leaving_.end() || found->second.size() != 1 || next) return nullptr;
      next = found->second.front();
    }
    return next;
  }

private:
  static bool passes(const operator_description& type, const port_description& out,
                     const std::string& input) {
    if (out.follows < 0 || static_cast<std::size_t>(out.follows) >= type.inputs.size())
      return false;
    const auto& in = type.inputs[static_cast<std::size_t>(out.follows)];
    return in.name == input && in.payload == any_payload::payload_name;
  }

  const operator_types& types_;
  std::map<std::string, std::vector<const arc_node*>> leaving_; ///< by output
};

class requests {
public:
  requests(graph& g, const operator_types& types, const complain_function& complain)
      : graph_(g), types_(types), complain_(complain) {}

  void run() {
    if (!ports_are_good()) return;
    std::vector<arc_node> direct; // as if nobody were on the way
    for (const auto& w : find_ways(graph_, types_)) {
      auto& a = direct.emplace_back(*w.first);
      a.to = w.last->to;
      a.to_port = w.last->to_port;
      if (w.feedback) a.feedback = feedback_policy::hand_over; // or drain: no matter
      names_.insert(a.name());
    }
    std::vector<arc_node> added;
    for (const auto& a : direct)
      if (auto answers = judge_request(a)) added.push_back(std::move(*answers));
    for (const auto& a : direct) judge_answers(a);
    graph_.arcs.insert(graph_.arcs.end(), added.begin(), added.end());
  }

private:
  bool ports_are_good() const {
    bool good = true;
    for (const auto& op : graph_.operators) {
      const auto type = types_.find(op.name);
      if (type == types_.end()) continue;
      const auto wrong = check_request_ports(type->second);
      if (!wrong) continue;
      good = false;
      complain_(op.line, op.name, errc::bad_input, *wrong + "; mend " + type->second.reference());
    }
    return good;
  }

  std::optional<port_at> end_of(const arc_node& a, bool output) const {
    const auto type = types_.find(output ? a.from : a.to);
    if (type == types_.end()) return std::nullopt;
    const auto& ports = output ? type->second.outputs : type->second.inputs;
    const auto& name = output ? a.from_port : a.to_port;
    const auto found = std::find_if(ports.begin(), ports.end(),
                                    [&](const port_description& p) { return p.name == name; });
    if (found == ports.end()) return std::nullopt;
    return port_at{type->second, ports, static_cast<std::size_t>(found - ports.begin())};
  }

  /// Of a good arc for requests: that for the answers, if the graph has it not yet.
  std::optional<arc_node> judge_request(const arc_node& a) {
    const auto out = end_of(a, true), in = end_of(a, false);
    if (!out || !in) return std::nullopt;
    const bool asks_there = asks(out->port()), answers_here = is_asked(in->port());
    if (!asks_there && !answers_here) return std::nullopt;
    if (!answers_here) {
      complain_(a.line, a.from, errc::incompatible,
                "the arc " + a.name() + " carries requests, but " + in->type.reference() +
                    " does not answer what comes to '" + a.to_port +
                    "'; lead it to an input that "
                    "answers");
      return std::nullopt;
    }
    if (!asks_there) {
      complain_(a.line, a.from, errc::incompatible,
                "the arc " + a.name() + " leads to an input that answers, but '" + a.from_port +
                    "' of " + out->type.reference() +
                    " does not ask; lead it to another input, or ask from an output that does");
      return std::nullopt;
    }
    const auto [before, first] = asked_.emplace(a.from + "." + a.from_port, a.to);
    if (!first) {
      complain_(a.line, a.from, errc::bad_input,
                "a second arc, " + a.name() + ", leaves its output '" + a.from_port +
                    "' that asks, but a request has one answer; keep one of them");
      return std::nullopt;
    }
    arc_node answers;
    answers.from = a.to;
    answers.from_port = in->partner(in->type.outputs).name;
    answers.to = a.from;
    answers.to_port = out->partner(out->type.inputs).name;
    answers.capacity = a.capacity;
    answers.line = a.line;
    if (a.feedback == feedback_policy::none || a.from == a.to)
      answers.feedback = feedback_policy::hand_over;
    // An answer is routed by the place that asked, so there must be one way to it.
    const auto [way, only] =
        ways_.emplace(answers.from + "." + answers.from_port + " " + answers.to, answers.to_port);
    if (!only && way->second != answers.to_port) {
      complain_(a.line, a.from, errc::bad_input,
                "two of its outputs ask '" + a.to +
                    "' and have their answers at different inputs, '" + way->second + "' and '" +
                    answers.to_port + "'; ask by one of them");
      return std::nullopt;
    }
    expected_.insert(answers.name());
    if (!names_.insert(answers.name()).second) return std::nullopt;
    return answers;
  }

  void judge_answers(const arc_node& a) const {
    const auto out = end_of(a, true), in = end_of(a, false);
    if (!out || !in) return;
    const bool given = gives_answers(out->type, out->index);
    const bool taken = takes_answers(in->type, in->index);
    if ((!given && !taken) || expected_.count(a.name())) return;
    const auto complain = [&](const std::string& what) {
      complain_(a.line, a.from, errc::incompatible, "the arc " + a.name() + what);
    };
    if (!taken && !is_asked(in->port()))
      complain(" carries answers, but " + in->type.reference() +
               " has not asked for what comes to '" + a.to_port +
               "'; remove it, or lead it to who asks");
    else if (!given && !asks(out->port()))
      complain(" leads to an input for answers, but '" + a.from_port + "' of " +
               out->type.reference() + " gives none; lead it to another input");
    else if (given && taken)
      complain(" carries answers, but no arc brings the requests from '" + a.to + "' to '" +
               a.from + "'; add that one, which brings this one with it");
  }

  graph& graph_;
  const operator_types& types_;
  const complain_function& complain_;
  std::set<std::string> names_;              ///< of all arcs
  std::map<std::string, std::string> asked_; ///< output -> operator
  std::map<std::string, std::string> ways_;  ///< answering output and who asks -> input
  std::set<std::string> expected_;           ///< arcs for answers
};

} // namespace

std::vector<way> find_ways(const graph& g, const operator_types& types) {
  const passages through(g, types);
  std::set<const arc_node*> inside; // arcs that are reached from others
  for (const auto& a : g.arcs)
    if (const auto* next = through.onward(a)) inside.insert(next);
  std::vector<way> found;
  for (const auto& a : g.arcs) {
    if (inside.count(&a)) continue;
    way w{&a, &a, a.feedback != feedback_policy::none};
    auto left = g.arcs.size(); // it may lead round for ever
    for (const auto* next = through.onward(a); next && left > 0; next = through.onward(*w.last)) {
      w.last = next;
      w.feedback = w.feedback || next->feedback != feedback_policy::none;
      --left;
    }
    found.push_back(w);
  }
  return found;
}

void complete_requests(graph& g, const operator_types& types, const complain_function& complain) {
  requests(g, types, complain).run();
}

} // namespace instar
