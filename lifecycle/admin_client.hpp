#pragma once

#include "actors/graph.hpp"
#include "actors/graph_file.hpp"
#include "actors/status.hpp"
#include "lifecycle/plan.hpp"
#include "lifecycle/policy_status.hpp"
#include "lifecycle/service.hpp"
#include "lifecycle/trace_hub.hpp"
#include "lifecycle/wanted_change.hpp"
#include "transfer/result.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace instar {

/// What is told of a transition before it has its outcome. Each may be empty.
struct change_watcher {
  std::function<void(std::uint64_t id)> begun{};         ///< at once
  std::function<void(const service_status&)> progress{}; ///< then ten times a second
};

/// What to do to an arc; see `trace` in admin.capnp.
struct trace_request {
  std::string arc;
  std::chrono::nanoseconds delay{0};
  double drop = 0;
  std::uint64_t seed = 1;
  std::chrono::nanoseconds deadline{0}; ///< of putting the operator on; 0 = the service's default
};

/// One packet that came along a traced arc.
struct traced_packet {
  std::chrono::system_clock::time_point when;
  std::chrono::nanoseconds gap{-1}; ///< since the one before; -1 for the first
  std::uint64_t key = 0;
  std::string payload;
  bool dropped = false;
};

/// What is told while an arc is traced, and what ends it.
struct trace_watcher {
  std::function<void(const std::string& arc, const std::string& on_it)> begun{};
  std::function<bool(const std::vector<traced_packet>&)> packets{}; ///< false = that is enough
  std::chrono::nanoseconds lasts{0};                                ///< 0 = until something else
  std::vector<int> signals{}; ///< each ends it; the second one without waiting for anything
};

struct trace_end {
  trace_totals totals;
  std::chrono::nanoseconds took{0}; ///< from the request until the operator was off again
  std::string removed;              ///< by whom, if it was not this client; else empty
};

/// The other end of the admin socket: asks a running service, and waits for its answers.
///
/// A failure means that there was no answer (no such socket, no permission, service gone, another
/// protocol); what the service refuses comes back as a plan or an outcome. Belongs to the thread
/// that connected, which may have one at a time.
class admin_client {
public:
  /// `patience` is how long any answer but that of `apply` may take.
  static result<std::unique_ptr<admin_client>>
  connect(const std::filesystem::path& socket,
          std::chrono::milliseconds patience = std::chrono::seconds(30));
  ~admin_client();

  /// Of the instar that runs the service.
  const std::string& service_version() const;

  result<service_status> status();
  result<graph> current_graph();
  /// `drop_state` names operators whose state may be dropped; so do the others.
  result<transition_plan> plan(const wanted_change& wanted, const consent& drop_state = {});

  /// The difference of two graphs, see `service::compare`.
  result<transition_plan> compare(const named_graph& from, const named_graph& to);

  /// Returns when the transition has its outcome. A deadline of 0 is the service's default.
  result<history_entry> apply(const wanted_change& wanted, std::chrono::nanoseconds deadline,
                              const change_watcher& watch = {}, const consent& drop_state = {});

  /// Gives up a transition by its id, or the only one there is (0), or all.
  result<std::vector<cancel_answer>> cancel(std::uint64_t id, bool all = false);

  /// Traces an arc until the watcher ends it, or somebody else does. Returns once the operator is
  /// off the arc again. If this process dies meanwhile, the service takes it off.
  result<trace_end> trace(const trace_request& wanted, const trace_watcher& watch);

  /// Those of the service's folder.
  result<checkpoint_listing> checkpoints();

  /// By name.
  result<std::vector<policy_status>> policies();
  /// Pauses or resumes policies; without names all.
  result<std::vector<policy_answer>> pause_policies(const std::vector<std::string>& names,
                                                    bool paused);

  /// The latest `most` transitions, oldest first.
  result<std::vector<history_entry>> history(std::uint32_t most);

private:
  struct parts;
  explicit admin_client(std::unique_ptr<parts> p);
  std::unique_ptr<parts> parts_;
};

} // namespace instar
