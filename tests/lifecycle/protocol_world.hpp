#pragma once

#include "actors/blocking_pool.hpp"
#include "actors/descriptors.hpp"
#include "lifecycle/admin_actor.hpp"
#include "lifecycle/own_operators.hpp"
#include "lifecycle/supervisor.hpp"
#include "lifecycle/trace_hub.hpp"
#include "protocol_operators.hpp"

#include <caf/actor_control_block.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace instar::test {

/// A service on CAF's deterministic scheduler: the real supervisor and the real runners, one
/// message at a time, in virtual time.
class world {
public:
  explicit world(std::size_t activation_limit = 1,
                 const std::function<void(service_options&)>& tune = {});
  ~world();

  script& plot() { return script_; }
  trace_hub& traces() { return traces_; }

  /// A graph from chains such as "source -> a -> sink"; the types from `types` (default version 1
  /// of `test.source`, `test.sink`, `test.turn`, `test.answer`, `test.thread` for names that begin
  /// so, else `test.stage`). An output is named as in "turn.again -> a", where there are several;
  /// "a ~> b" is a feedback arc.
  static graph make_graph(const std::vector<std::string>& chains,
                          const std::map<std::string, std::string>& types = {},
                          std::size_t capacity = 4,
                          feedback_policy feedback = feedback_policy::hand_over);

  /// Asks for a transition; the outcome is in `outcomes()` once it has one.
  void order(wanted_graph wanted, std::chrono::nanoseconds deadline = std::chrono::seconds(5),
             std::shared_ptr<const restore_request> restore = nullptr);
  void stop();
  /// Answers of the supervisor are in `answers` once it has come to it.
  void cancel(cancel_request which);
  std::vector<cancel_answer> answers;
  std::vector<std::uint64_t> accepted; ///< ids in the order in which they were told
  const std::vector<history_entry>& outcomes() const { return outcomes_; }
  /// Called with each outcome, inside the supervisor's turn.
  std::function<void(const history_entry&)> on_outcome;
  /// The graphs that have been committed so far, as this world knows them.
  const std::vector<graph_version>& graphs() const { return graphs_; }

  /// Runs one message; false if there is none.
  bool step();
  /// Runs until nothing is left to do, without moving the clock.
  void run();
  void advance(std::chrono::nanoseconds by);
  /// From now on a random runnable actor is chosen instead of the first.
  void shuffle(std::uint64_t seed) { random_.emplace(seed); }

  service_status status();
  /// The same at once, without running anything.
  service_status look();
  std::vector<std::string> stop_reasons;

  /// The first breach of the invariants up to now, or nothing. Only when all is at rest. Unless
  /// `complete` something may be missing, because an actor was killed.
  std::optional<std::string> check(bool complete = true) const;
  /// What is left over after the service has stopped, or nothing.
  std::optional<std::string> check_ended() const;

  /// From now on notes the actors that run operators, in the order in which they were made: of one
  /// transition by name.
  void watch_runners();
  std::size_t runners() const { return runners_.size(); }
  bool alive(std::size_t runner) const;
  void kill(std::size_t runner);

private:
  struct config : caf::actor_system_config {
    config();
  };

  void note_outcome(const wanted_graph& wanted, history_entry e);
  void note_graphs();
  void note_runners();

  const std::int64_t items_before_ = item::alive, operators_before_ = operators_alive();
  script script_;
  service_options options_;
  scripted_library scripted_{script_};
  library_with_own library_{std::shared_ptr<operator_library>(&scripted_, [](auto*) {})};
  trace_hub traces_;
  descriptors open_;
  blocking_pool pool_{0};
  runner_environment environment_;
  config config_;
  std::unique_ptr<caf::actor_system> system_;
  caf::scheduler::test_coordinator* scheduler_ = nullptr;
  caf::actor supervisor_, admin_;
  std::vector<history_entry> outcomes_;
  std::map<epoch_t, wanted_graph> committed_; // no rollbacks: what they led to
  std::vector<graph_version> graphs_;         // after each of them
  std::optional<std::mt19937_64> random_;
  bool watches_ = false;
  std::vector<std::pair<const void*, caf::weak_actor_ptr>> runners_;
};

/// The invariants that every run has to keep; returns the first breach as text, or nothing.
std::optional<std::string> check_order(const script& of, const std::string& sink,
                                       std::size_t sources = 1);

/// That every item of every source has arrived once, and that items that take the same number of
/// rounds have kept their order. The first breach as text.
std::string check_arrived(const script& of, std::size_t sources);

/// Every item met one version of each operator, and the operators of `atomic` in one generation.
std::optional<std::string> check_versions(const script& of, const std::vector<std::string>& atomic);

} // namespace instar::test
