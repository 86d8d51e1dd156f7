#pragma once

#include "actors/metrics.hpp"
#include "actors/runner.hpp"
#include "lifecycle/checkpoint_store.hpp"
#include "lifecycle/graph_versions.hpp"
#include "lifecycle/live_graph.hpp"
#include "lifecycle/operator_library.hpp"
#include "lifecycle/order_queue.hpp"
#include "lifecycle/planner.hpp"
#include "lifecycle/transition.hpp"

#include <caf/actor_clock.hpp>
#include <caf/event_based_actor.hpp>

#include <deque>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace instar {

// Messages to the supervisor. The callbacks run on its thread and must not block.
struct order_message {
  std::shared_ptr<transition_order> order;
};
struct plan_message {
  std::shared_ptr<wanted_graph> wanted;
  std::vector<std::string> drop_state;
  std::function<void(transition_plan)> done;
  std::shared_ptr<const restore_request> restore{}; ///< as in `transition_order`
};
struct compare_message {
  std::shared_ptr<std::pair<compared_graph, compared_graph>> graphs;
  std::function<void(transition_plan)> done;
};
struct status_message {
  std::function<void(service_status)> done;
};
/// All but the operators' own metrics.
struct observe_message {
  std::function<void(observation)> done;
};
struct graph_message {
  std::function<void(graph)> done;
};
struct history_message {
  std::function<void(std::vector<history_entry>)> done;
};
struct cancel_message {
  cancel_request which;
  std::function<void(std::vector<cancel_answer>)> done;
};
struct alarm_message {};
/// Time for a checkpoint that nobody asked for; void if another was set since.
struct checkpoint_timer_message {
  std::uint64_t number = 0;
};

/// What a supervisor needs from the service around it. Outlives it.
struct supervisor_setup {
  const service_options* options = nullptr;
  operator_library* operators = nullptr;
  const runner_environment* environment = nullptr;
  std::function<void(std::string)> on_end; ///< an operator wants the service to stop
};

/// Plans and drives transitions, and keeps the history. The only one that decides a commit.
///
/// Transitions that do not overlap run at the same time; those that do, in the order in which they
/// were asked for. One that says what the whole graph shall be waits for all before it.
class supervisor final : public caf::event_based_actor {
public:
  supervisor(caf::actor_config& config, supervisor_setup setup);
  ~supervisor() override;

  caf::behavior make_behavior() override;
  void on_exit() override;

  /// From its own thread, or from a test that runs its actors by itself.
  service_status status() const;
  observation observe() const;

private:
  using clock = caf::actor_clock::clock_type;

  /// A transition that runs now.
  struct active {
    std::shared_ptr<transition_order> order;
    planned what;
    history_entry entry;
    live_graph after;
    transition state;
    clock::time_point deadline;
    clock::duration limit;              ///< for each step that state flows in
    std::vector<caf::actor> told;       ///< old operators with a part
    std::vector<caf::actor> successors; ///< new instances
    std::vector<caf::actor> formers;    ///< after the commit: instances that are replaced, removed
    std::shared_ptr<checkpoint_job> writes{};
    std::set<std::string> saved{}; ///< operators that belong into it
    std::optional<checkpoint_seen> written{};
  };

  /// Whom an actor runs, or ran.
  struct watched {
    std::string name;
    epoch_t epoch = 0;   ///< of the transition that makes or retires it; 0 = it runs
    bool former = false; ///< retired by it
  };

  void on_order(const order_message& m);
  void on_cancel(const cancel_message& m);
  void on_report(const report_message& m);
  void on_alarm();
  void on_deadline(active& now);
  void on_down(const caf::down_msg& m);
  void on_member_down(const std::string& name, const caf::error& why);
  void end_flush(active& now, std::string reason);
  void take_as_said(active& now, std::initializer_list<report_kind> kinds, const std::string& name);
  void on_former_down(active& now, const std::string& name);

  std::string admit(transition_order& order);
  planned make(const wanted_graph& wanted, const consent& drop_state,
               const restore_request* restore);
  std::string cancel(std::uint64_t id, const std::string& reason);

  void start_next();
  void start_those_that_may();
  bool may_start(footprint& touches, std::size_t places);
  void start(std::shared_ptr<transition_order> order, planned what,
             std::chrono::nanoseconds planning);
  result<void> prepare(active& now);
  /// What it takes to make one.
  struct blueprint {
    operator_factory factory;
    conversion state, parts;
    std::size_t predecessors = 1;
  };
  result<blueprint> make_blueprint(const operator_change& op, const operator_description& type);
  result<void> spawn_successors(active& now, const std::map<std::string, blueprint>& blueprints);
  std::vector<caf::actor> told_of_markers(const active& now) const;
  void tell_parts(active& now);
  void give_up(active& now, const std::string& reason);
  // These may end the transition: `now` is gone then.
  void act(active& now, transition::action what);
  void abort(active& now);
  void cut_off(active& now);
  void finish(active& now, transition_outcome outcome, std::string reason);
  void choose_transfers(planned& what) const;
  void start_copies(active& now);
  void tell_commit(active& now);
  void commit(active& now);
  void begin_checkpoint(active& now);
  void note_written(active& now, const report_message& m);
  void note_checkpoint(const active& now, const transition_order& order);
  void send_restores(active& now);
  start_message start_of(active& now, const operator_change& op) const;
  void set_checkpoint_timer();
  void on_checkpoint_timer(std::uint64_t number);
  void note_commit(active& now);
  void set_alarm(clock::time_point at);
  void record(history_entry entry, const transition_order& order);

  const supervisor_setup setup_;
  const std::chrono::system_clock::time_point started_;
  graph_versions versions_;
  planner planner_;
  live_graph live_;
  epoch_t last_epoch_ = 0; // ever given out
  std::uint64_t last_id_ = 0;
  order_queue queue_;
  std::map<epoch_t, active> active_;
  std::unordered_map<caf::actor_id, watched> watched_;
  std::vector<clock::time_point> alarms_; // not yet rung; the earliest is the last
  std::deque<history_entry> history_;
  transition_totals totals_;
  std::optional<checkpoint_seen> checkpoint_;
  std::uint64_t checkpoint_timer_ = 0;           // the latest that was set
  std::chrono::nanoseconds checkpoint_every_{0}; // that it was set for; 0 = none is set
  bool starting_ = false;
  bool start_again_ = false;
  bool stopping_ = false;
  bool stopped_ = false;
};

} // namespace instar

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(instar::order_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(instar::plan_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(instar::compare_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(instar::status_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(instar::observe_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(instar::graph_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(instar::history_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(instar::cancel_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(instar::alarm_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(instar::checkpoint_timer_message)
