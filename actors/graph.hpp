#pragma once

#include "actors/description.hpp"
#include "actors/lanes.hpp"
#include "actors/settings.hpp"
#include "transfer/result.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace instar {

/// What happens when an operator throws while it processes.
enum class error_strategy {
  resume,  ///< skip what it threw at, go on with the same instance
  restart, ///< a new instance of the same type takes over the state that the old one can save
  stop,    ///< stop the whole service in good order
};

/// In the words of the graph file.
const char* to_string(error_strategy strategy);

/// The declared answer to an operator that throws; more than `limit` errors within `window` stop
/// the service, whatever the strategy.
struct error_policy {
  error_strategy strategy = error_strategy::restart;
  std::uint32_t limit = 10;
  std::chrono::nanoseconds window = std::chrono::seconds(10);

  bool operator==(const error_policy&) const = default;
};

/// How keyed state gets to a successor.
enum class part_transfer {
  none,        ///< there is none, or it goes with the object; in a graph: as its size suggests
  pre_copy,    ///< flows ahead of the cut, and only what changes before that is left for it
  progressive, ///< the successor fetches it once it serves; before that it is only rehearsed
};

/// In the words of the graph file; empty for `none`.
const char* to_string(part_transfer how);

/// An operator's place in the graph.
struct operator_node {
  std::string name;
  std::string type;
  std::uint32_t version = 0;
  settings values; ///< as given in the file; defaults are filled in by `check_graph`
  error_policy on_error;
  std::size_t line = 0; ///< in the graph file; 0 = not from a file
  std::string was{};    ///< the name in the running graph of the operator that it goes on from
  part_transfer transfer = part_transfer::none; ///< how its keyed state comes to it
  bool transient = false; ///< put on an arc for a while: no part of the graph that was asked for

  // Keyed replicas: see replicas.hpp.
  std::uint32_t replicas = 1;      ///< so many operators share its packets by their keys
  key_kind key = key_kind::number; ///< what those are
  std::string replica_of{};        ///< one of them: the name that the graph file has for all
  std::uint32_t replica = 0;       ///< … and which

  /// The name that people know it by.
  const std::string& written_name() const { return replica_of.empty() ? name : replica_of; }
  std::string reference() const { return type + "@" + std::to_string(version); }
};

/// Whether an arc closes a cycle on purpose, and what becomes of the packets in the loop when a
/// transition changes some of its operators. See README.md.
enum class feedback_policy {
  none,      ///< an ordinary arc: no cycle consists of these alone
  hand_over, ///< packets in the arc stay there, and the new version takes them
  drain,     ///< the old version finishes what is in the loop before anything changes
};

/// In the words of the graph file; empty for `none`.
const char* to_string(feedback_policy policy);

/// One arc. Port names are empty in a file that leaves them out; `check_graph` fills them in.
struct arc_node {
  std::string from, from_port, to, to_port;
  std::size_t capacity = 0; ///< credits: packets it holds at the most
  std::size_t line = 0;
  feedback_policy feedback = feedback_policy::none;

  /// To one of several that share what leaves the output, each with an arc of the same group.
  std::uint32_t lane = 0, lanes = 1;
  key_kind key = key_kind::number;
  std::string group{};

  /// `from.port -> to.port`; identifies the arc.
  std::string name() const;
};

/// A service as a value: operators and the arcs between them.
struct graph {
  std::string name;
  std::filesystem::path origin;               ///< the file it was read from, for messages
  std::vector<std::filesystem::path> modules; ///< folders and files to look for modules in
  std::vector<operator_node> operators;
  std::vector<arc_node> arcs;
  std::chrono::nanoseconds checkpoint_every{0}; ///< 0 = only when somebody asks for one
  std::size_t checkpoint_keep = 3;              ///< so many of the newest checkpoints

  const operator_node* find(std::string_view name) const;
};

inline constexpr std::size_t default_arc_capacity = 1024;
inline constexpr std::size_t max_arc_capacity = std::size_t{1} << 20;

/// By operator name.
using operator_types = std::map<std::string, operator_description, std::less<>>;

/// Checks a graph as a whole against the operator types it names: types exist, settings are known
/// and of the right kind, ports exist and payload types fit on every arc, every input has an arc,
/// every cycle has a feedback arc. Returns the graph with defaults, port names and the arcs for
/// answers filled in, or *every* mistake, each as `file:line: operator 'x': what, and what to do`.
struct graph_check {
  graph checked;
  operator_types types;
  std::vector<failure> mistakes; ///< empty = good
};
graph_check check_graph(graph candidate, const type_lookup& types);

/// The same for some operators of a graph that has been checked before, and whose operators and
/// arcs stay: those named in `fresh` have another type now. `part` holds them with all their arcs,
/// and all arcs along which what they send or get is passed on; `known` are the types of the others
/// in it. Nothing else is judged. They must ask and answer by the same ports as before.
graph_check check_part(graph part, const std::set<std::string>& fresh, operator_types known,
                       const type_lookup& types);

} // namespace instar
