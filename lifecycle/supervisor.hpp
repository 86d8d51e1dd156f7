#pragma once

#include "actors/runner.hpp"
#include "lifecycle/live_graph.hpp"
#include "lifecycle/operator_library.hpp"
#include "lifecycle/service.hpp"
#include "lifecycle/transition.hpp"

#include <caf/event_based_actor.hpp>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace instar {

/// What the running graph should become: a whole graph, or some operators of it exchanged. The
/// latter means the graph that runs when the request's turn comes.
using wanted_graph = std::variant<graph, std::vector<operator_update>>;

/// A transition as it was asked for.
struct transition_order {
  wanted_graph wanted;
  std::string who;
  std::chrono::nanoseconds deadline{0};
  bool stops = false; ///< drains: past the deadline what is left is cut off
  std::function<void(history_entry)> done;
};

// Messages to the supervisor. The callbacks run on its thread and must not block.
struct order_message {
  std::shared_ptr<transition_order> order;
};
struct plan_message {
  std::shared_ptr<wanted_graph> wanted;
  std::function<void(transition_plan)> done;
};
struct status_message {
  std::function<void(service_status)> done;
};
struct graph_message {
  std::function<void(graph)> done;
};
struct history_message {
  std::function<void(std::vector<history_entry>)> done;
};
struct deadline_message {
  epoch_t epoch = 0;
};

/// What a supervisor needs from the service around it. Outlives it.
struct supervisor_setup {
  const service_options* options = nullptr;
  operator_library* library = nullptr;
  const runner_environment* environment = nullptr;
  std::function<void(std::string)> on_end; ///< an operator wants the service to stop
};

/// Plans and drives transitions, one at a time in the order they were asked for, and keeps the
/// history. The only one that decides a commit.
class supervisor final : public caf::event_based_actor {
public:
  supervisor(caf::actor_config& config, supervisor_setup setup);
  ~supervisor() override;

  caf::behavior make_behavior() override;
  void on_exit() override;

private:
  struct planned {
    transition_plan plan;
    graph given;        ///< the wanted graph as it was written
    typed_graph wanted; ///< the same, checked
  };
  /// The transition that runs now.
  struct active {
    std::shared_ptr<transition_order> order;
    planned what;
    history_entry entry;
    live_graph after;  ///< until the commit
    live_graph before; ///< from then on
    transition state;
    std::vector<caf::actor> told;       ///< old operators with a part
    std::vector<caf::actor> successors; ///< new instances
  };

  void on_order(const order_message& m);
  void on_report(const report_message& m);
  void on_deadline(epoch_t epoch);
  void on_down(const caf::down_msg& m);
  void on_successor_down(const std::string& name, const caf::error& why);
  void on_member_down(const std::string& name, const caf::error& why);
  void on_former_down(const std::string& name);

  planned make(const wanted_graph& wanted);
  result<graph> resolve(const wanted_graph& wanted) const;

  void start_next();
  void start(std::shared_ptr<transition_order> order);
  result<void> prepare();
  result<void> spawn_successors(const std::map<std::string, operator_factory>& factories);
  void tell_parts();
  void act(transition::action what);
  void send_markers();
  void commit();
  void abort();
  void cut_off();
  void finish(transition_outcome outcome, std::string reason);
  void record(history_entry entry, const transition_order& order);
  service_status status() const;

  const supervisor_setup setup_;
  const std::chrono::system_clock::time_point started_;
  typed_graph running_;
  graph given_;
  live_graph live_;
  epoch_t epoch_ = 0;      // of the running graph
  epoch_t last_epoch_ = 0; // ever given out
  std::uint64_t last_id_ = 0;
  std::deque<std::shared_ptr<transition_order>> queue_;
  std::optional<active> active_;
  std::deque<history_entry> history_;
  bool stopping_ = false;
  bool stopped_ = false;
};

} // namespace instar

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(instar::order_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(instar::plan_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(instar::status_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(instar::graph_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(instar::history_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(instar::deadline_message)
