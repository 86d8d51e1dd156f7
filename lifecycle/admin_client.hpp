#pragma once

#include "actors/graph.hpp"
#include "actors/graph_file.hpp"
#include "lifecycle/plan.hpp"
#include "lifecycle/service.hpp"
#include "lifecycle/status.hpp"
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
  result<transition_plan> plan(const wanted_change& wanted);

  /// The difference of two graphs, see `service::compare`.
  result<transition_plan> compare(const named_graph& from, const named_graph& to);

  /// Returns when the transition has its outcome. A deadline of 0 is the service's default.
  result<history_entry> apply(const wanted_change& wanted, std::chrono::nanoseconds deadline,
                              const change_watcher& watch = {});

  /// Gives up a transition by its id, or the only one there is (0), or all.
  result<std::vector<cancel_answer>> cancel(std::uint64_t id, bool all = false);

  /// The latest `most` transitions, oldest first.
  result<std::vector<history_entry>> history(std::uint32_t most);

private:
  struct parts;
  explicit admin_client(std::unique_ptr<parts> p);
  std::unique_ptr<parts> parts_;
};

} // namespace instar
