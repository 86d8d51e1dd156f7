#pragma once

#include "actors/graph.hpp"
#include "actors/graph_file.hpp"
#include "actors/packet.hpp"
#include "actors/status.hpp"
#include "lifecycle/graph_edit.hpp"
#include "lifecycle/plan.hpp"
#include "transfer/checkpoint_folder.hpp"

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace instar {

class call_ports;
class checkpoint_store;
class event_source;
class operator_library;
class policy_desk;
class trace_hub;
struct restore_request;

/// What a host decides when it makes a service.
struct service_options {
  std::size_t workers = 0; ///< scheduler threads; 0 = one per core
  std::chrono::nanoseconds deadline = std::chrono::seconds(5); ///< of a transition without one
  std::size_t max_queued_transitions = 64;
  /// So many of the newest transitions (the log has all), and of the graphs to go back to.
  std::size_t kept_history = 50;
  std::size_t activation_limit = 256; ///< packets per activation of an operator
  /// Keyed state of so many entries and more is fetched by the successor after the commit, unless
  /// the graph says otherwise: sent ahead of the cut, there would be two of it for a while.
  std::uint64_t progressive_from = 1'000'000;
  std::size_t blocking_threads = 16; ///< for operators' blocking work
  /// What workers wait for while they are idle, for example a `net::reactor`; null = nothing.
  /// Outlives the service.
  event_source* events = nullptr;
  /// Where operators come from; null = from modules.
  std::shared_ptr<operator_library> operators;
  /// Private copies of modules are made below it while they are loaded.
  std::filesystem::path scratch = std::filesystem::temp_directory_path();
  std::string version;
  /// Where checkpoints are written; null = none are.
  std::shared_ptr<checkpoint_store> checkpoints{};
  /// How policies read the graph files that they apply; null = as they stand there. Any thread.
  std::function<graph_file(const std::filesystem::path&)> read_graph{};
};

/// Operators whose state may be dropped, if there is no way for it to a successor. It is an error
/// to name one that drops none.
using consent = std::vector<std::string>;

/// A request for a transition.
struct transition_request {
  graph target; ///< parsed, not yet checked
  std::string who;
  std::chrono::nanoseconds deadline{0}; ///< 0 = the service's default
  consent drop_state{};
};

/// `OP=TYPE@VERSION`, the short way to say a transition.
struct operator_update {
  std::string name, type;
  std::uint32_t version = 0;
};
result<operator_update> parse_update(std::string_view text);

/// The graph of a former epoch, with the states of now.
struct rollback_to {
  epoch_t epoch = 0; ///< 0 = the one before the running one
};

/// The running graph as it is, with what every operator has at its cut written out.
struct checkpoint_wish {};

/// The checkpoints of a folder, newest first, each read to its end.
struct checkpoint_listing {
  std::filesystem::path folder; ///< empty if the service has none
  std::vector<listed_checkpoint> list;
};

/// The running graph, that of an epoch, or any other.
using compared_graph = std::variant<std::monostate, epoch_t, graph>;

/// Which transitions are to be given up.
struct cancel_request {
  std::uint64_t id = 0; ///< 0 = the only one there is
  bool all = false;
  std::string who;
};
struct cancel_answer {
  std::uint64_t id = 0;
  std::string refusal; ///< why it was not; empty = it was cancelled
};

/// One running service: its actor system, supervisor, admin actor and modules.
///
/// All members may be called from any thread; each is an upgrade message to the admin actor. A
/// callback comes exactly once, on a thread of the service: it must not block.
class service {
public:
  explicit service(service_options options);
  /// Stops at once if `stop` has not been called, and joins every thread.
  ~service();

  /// Offers a host-owned resource to operators (`context::host`). Before the first `apply`;
  /// `resource` must outlive the service.
  void offer(std::string_view resource_name, void* resource);

  /// What `apply` of this graph would do.
  void plan(graph target, std::function<void(transition_plan)> done, consent drop_state = {});
  void plan(std::vector<operator_update> updates, std::function<void(transition_plan)> done,
            consent drop_state = {});
  void plan(rollback_to former, std::function<void(transition_plan)> done, consent drop_state = {});
  void plan(graph_edit edit, std::function<void(transition_plan)> done);
  void plan(checkpoint_wish wish, std::function<void(transition_plan)> done);
  /// What `restore` would do.
  void plan(graph target, restore_request from, std::function<void(transition_plan)> done);

  /// The difference of two graphs, without the checks of a plan: the refusals are what a check of
  /// a graph complained of. If a graph cannot be had, there are only refusals.
  void compare(compared_graph from, compared_graph to, std::function<void(transition_plan)> done);

  /// Gets a transition's id, as soon as it is known and before the outcome.
  using accepted = std::function<void(std::uint64_t id)>;

  /// Turns the running graph into the wanted one. The first `apply` starts the service.
  void apply(transition_request request, std::function<void(history_entry)> done,
             accepted begun = {});

  /// As the first `apply`, but operators begin with the states that a checkpoint has for them.
  void restore(transition_request request, restore_request from,
               std::function<void(history_entry)> done, accepted begun = {});

  /// Writes what all operators have at one cut to a file; the graph stays as it is.
  void checkpoint(std::string who, std::chrono::nanoseconds deadline,
                  std::function<void(history_entry)> done, accepted begun = {});
  void checkpoints(std::function<void(checkpoint_listing)> done);

  /// The running graph with some operators' types or versions replaced.
  void update(std::vector<operator_update> updates, std::string who,
              std::chrono::nanoseconds deadline, std::function<void(history_entry)> done,
              accepted begun = {}, consent drop_state = {});

  /// The graph of a former epoch, as a transition like any other; states go over as ever.
  void rollback(rollback_to former, std::string who, std::chrono::nanoseconds deadline,
                std::function<void(history_entry)> done, accepted begun = {},
                consent drop_state = {});

  /// Puts operators on arcs for a while, takes them off again: a transition like any other, but
  /// what `rollback` and `compare` go back to does not know of them.
  void edit(graph_edit what, std::string who, std::chrono::nanoseconds deadline,
            std::function<void(history_entry)> done, accepted begun = {});

  /// Gives up transitions that wait, or whose commit has not been decided. Each gets its outcome
  /// as ever; an answer for each that was named, or an empty `id` with the reason.
  void cancel(cancel_request which, std::function<void(std::vector<cancel_answer>)> done);

  void status(std::function<void(service_status)> done);
  void current_graph(std::function<void(graph)> done);
  void history(std::function<void(std::vector<history_entry>)> done);

  /// Drains and stops: the transition to the empty graph. Past the deadline what is left is cut
  /// off; the entry's outcome tells.
  void stop(std::string who, std::chrono::nanoseconds deadline,
            std::function<void(history_entry)> done);

  /// Where operators that trace arcs leave the headers of packets. Lives as long as the service.
  trace_hub& traces();

  /// Where threads of the host call operators' objects (`caller`). Lives as long as the service;
  /// what it gives may live longer.
  call_ports& calls();

  /// The policies of the running graph. Lives as long as the service.
  policy_desk& policies();

  /// Called once when the service ends by itself: an operator asked for it, or failed too often.
  void on_end(std::function<void(std::string reason)> callback);

private:
  struct parts;
  std::unique_ptr<parts> parts_;
};

} // namespace instar
