#pragma once

#include "actors/graph.hpp"
#include "actors/packet.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace instar::test {

/// One of the graphs that a run had, oldest first.
struct graph_version {
  epoch_t epoch = 0;
  graph content;
};

/// Operators that differ between two graphs: added, removed, of another version or with other
/// arcs. They are the atomic set of the transition.
std::set<std::string> participants(const graph& before, const graph& after);

/// The feedback arcs of `before`, by number, that a transition to `after` finds empty: those that
/// it removes, those with the policy `drain` in whose loop an operator changes, and those of loops
/// within.
std::set<std::size_t> emptied_arcs(const graph& before, const graph& after);

/// What passed each operator, in order, and whether the graphs of the run allow exactly that.
///
/// The oracle of the protocol tests. It knows nothing of markers: each operator notes what it takes
/// and what it emits, and afterwards there has to be one moment per operator and transition that
/// explains who received what. It does not care how a graph is shaped.
///
/// Not thread-safe: for the deterministic scheduler.
class ledger {
public:
  /// Travels with a packet.
  struct tag {
    std::uint64_t id = 0;      ///< of its request and of the way it came
    std::uint32_t request = 0; ///< one item of one source; all packets made of it share it
    std::uint32_t from = 0;    ///< the operator that emitted it
  };
  /// The instance that notes: the epoch that brought it, and the one that brought its place.
  struct who {
    std::uint32_t op = 0;
    epoch_t instance = 0, born = 0;
  };

  std::uint32_t index(std::string_view name);
  const std::string& name(std::uint32_t index) const { return names_[index]; }

  /// A source begins its item `number`.
  std::size_t begin(const who& w, std::uint64_t number);
  /// An operator takes a packet.
  std::size_t take(const who& w, const tag& t);
  /// It emits one while it works on entry `at`. An output is named by its port.
  tag emit(const who& w, std::size_t at, std::string_view port);
  /// It threw at entry `at`: by its error strategy nothing comes of that packet.
  void fail(const who& w, std::size_t at) { logs_[w.op][at].failed = true; }

  /// Packets that the place has worked off; what its state has to say.
  std::uint64_t processed(const who& w) const;
  /// Packets that the last place of that name has taken, or items that it has begun.
  std::size_t entries(std::string_view name) const;

  /// The first breach of what has to hold, as text: nothing lost, duplicated or reordered on any
  /// arc; each operator changes at one moment; no request meets a transition half. A request that
  /// goes round in a loop begins anew with each feedback arc, except with those that the transition
  /// empties: it may meet the old and then the new graph, never the new and then the old. Without
  /// `complete` packets may be missing, as after an actor was killed.
  std::optional<std::string> check(const std::vector<graph_version>& graphs,
                                   bool complete = true) const;

private:
  struct entry {
    std::uint64_t id = 0;
    std::uint32_t request = 0;
    epoch_t instance = 0, born = 0;
    std::size_t first_out = 0; // in outs_
    std::size_t outs = 0;
    bool begun = false; // here; else taken from an arc
    bool failed = false;
  };
  struct out {
    std::uint64_t id = 0;
    std::string_view port;
  };
  struct request {
    std::uint32_t source = 0;
    std::uint64_t number = 0;
  };
  struct run; // one check

  std::size_t note(std::uint32_t op, const entry& e);
  std::string describe(std::uint32_t request) const;

  std::vector<std::string> names_;
  std::map<std::string, std::uint32_t, std::less<>> indexes_;
  std::vector<std::vector<entry>> logs_;                     // by operator
  std::vector<std::pair<std::uint32_t, std::size_t>> order_; // operator, entry: as they came
  std::vector<out> outs_;
  std::vector<request> requests_;
};

} // namespace instar::test
