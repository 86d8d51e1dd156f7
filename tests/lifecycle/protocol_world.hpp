#pragma once

#include "actors/blocking_pool.hpp"
#include "lifecycle/admin_actor.hpp"
#include "lifecycle/operator_library.hpp"
#include "lifecycle/supervisor.hpp"

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
#include <vector>

namespace instar::test {

/// One packet's content: a number and the operators that it has met, as `name@version`.
struct item : payload {
  static constexpr std::string_view payload_name = "test.item";
  explicit item(std::uint64_t n) : number(n) { ++alive; }
  ~item() override { --alive; }
  std::string_view type_name() const noexcept override { return payload_name; }

  std::uint64_t number;
  std::vector<std::string> met;
  static inline std::int64_t alive = 0;
};

/// What a sink has received.
struct received {
  std::uint64_t number = 0;
  std::vector<std::string> met;
};

/// What the operators of a test do, and what they saw. One per test, reached by the operators
/// through the host resource `test.script`.
struct script {
  static constexpr std::string_view resource_name = "test.script";

  std::uint64_t total = 100;   ///< items that each source emits
  std::uint64_t per_event = 1; ///< items per activation of a source
  std::map<std::string, std::vector<received>> sinks;
  std::map<std::string, std::uint64_t> restored; ///< stage count after its last restore

  // Faults, by operator type reference ("test.stage@2"); those that a fault names throw or wait.
  std::string throws_in_constructor, throws_in_save, throws_in_restore, never_ready;
  std::string throws_on_packet; ///< by operator name
  std::uint64_t throws_at = 0;  ///< … at this number
  int instances = 0;            ///< operators alive
};

/// A service on CAF's deterministic scheduler: the real supervisor and the real runners, one
/// message at a time, in virtual time.
class world {
public:
  explicit world(std::size_t activation_limit = 1,
                 const std::function<void(service_options&)>& tune = {});
  ~world();

  script& plot() { return script_; }

  /// A graph from chains such as "source -> a -> sink"; the types from `types` (default version 1
  /// of `test.source`, `test.sink` for names that begin so, else `test.stage`).
  static graph make_graph(const std::vector<std::string>& chains,
                          const std::map<std::string, std::string>& types = {},
                          std::size_t capacity = 4);

  /// Asks for a transition; the outcome is in `outcomes()` once it has one.
  void order(wanted_graph wanted, std::chrono::nanoseconds deadline = std::chrono::seconds(5));
  void stop();
  /// Answers of the supervisor are in `answers` once it has come to it.
  void cancel(cancel_request which);
  std::vector<cancel_answer> answers;
  std::vector<std::uint64_t> accepted; ///< ids in the order in which they were told
  const std::vector<history_entry>& outcomes() const { return outcomes_; }

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

private:
  struct config : caf::actor_system_config {
    config();
  };

  script script_;
  service_options options_;
  host_library library_;
  blocking_pool pool_{0};
  runner_environment environment_;
  config config_;
  std::unique_ptr<caf::actor_system> system_;
  caf::scheduler::test_coordinator* scheduler_ = nullptr;
  caf::actor supervisor_, admin_;
  std::vector<history_entry> outcomes_;
  std::optional<std::mt19937_64> random_;
};

/// The invariants that every run has to keep; returns the first breach as text, or nothing.
std::optional<std::string> check_order(const script& of, const std::string& sink,
                                       std::size_t sources = 1);

/// Every item met one version of each operator, and the operators of `atomic` in one generation.
std::optional<std::string> check_versions(const script& of, const std::vector<std::string>& atomic);

} // namespace instar::test
