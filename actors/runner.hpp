#pragma once

#include "actors/blocking_pool.hpp"
#include "actors/doorbell.hpp"
#include "actors/messages.hpp"
#include "actors/operator_core.hpp"

#include <caf/event_based_actor.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace instar {

/// What every runner of a service shares. Outlives them all.
struct runner_environment {
  blocking_pool* pool = nullptr;
  host_resources resources; ///< host-owned
};

/// The actor that runs one operator instance.
///
/// Its mailbox carries wakes and the supervisor's messages; packets come along the arcs. What to do
/// with either is the core's: the runner feeds it, and carries its answers to the supervisor and
/// to the successor.
class runner final : public caf::event_based_actor, private core_host {
public:
  runner(caf::actor_config& config, operator_setup setup, operator_links links,
         const runner_environment& environment, caf::actor supervisor);
  ~runner() override;

  caf::behavior make_behavior() override;
  void on_exit() override;

private:
  void on_create();
  void on_constructed(const constructed_message& m);
  void claim_and_report(report_kind ready, epoch_t epoch);
  void on_prepare(const prepare_message& m);
  void on_part(const part_message& m);
  void on_taken(const taken_message& m);
  void on_restore(const restore_message& m);
  void on_start(const start_message& m);
  void on_commit(const commit_message& m);
  void on_abort(const abort_message& m);
  void leave(epoch_t epoch);

  /// Runs the core once, and asks for another turn if it wants one.
  void step();
  /// The same after a message that is no wake: the bell may still be armed.
  void step_later();
  void step_awake();
  void report(report_kind kind, epoch_t epoch, std::string text = {});
  void vote(ballot& in, report_kind kind, epoch_t epoch);

  // core_host
  core_clock::time_point now() override;
  void start_timer(std::uint64_t id, core_clock::time_point at) override;
  void start_job(std::uint64_t id, std::function<void()> work,
                 std::shared_ptr<operator_base> needs) override;
  void* resource(std::string_view name) override;
  const host_resources* offered() const override { return &environment_.resources; }
  void write_log(log_level level, std::string_view line) override;
  void request_stop(std::string reason) override;
  void send_part(epoch_t epoch, sent_part part) override;
  void copied(epoch_t epoch) override;
  void parts_moved(epoch_t epoch, std::uint64_t entries, std::uint64_t total) override;
  void all_moved(epoch_t epoch) override;
  void at_cut(epoch_t epoch, std::optional<state> saved) override;
  void cut_delayed(epoch_t epoch, std::string reason) override;
  void cut_failed(epoch_t epoch, std::string reason) override;

  const runner_environment& environment_;
  caf::actor supervisor_;
  operator_core core_;
  operator_links links_; // until it starts
  cut_role role_ = cut_role::pass;
  bool rehearses_ = false;                // its keyed state goes after the commit
  std::shared_ptr<checkpoint_sink> sink_; // takes its keyed state in place of a successor
  std::shared_ptr<ballot> copies_, at_cuts_;
  bool flushes_ = false;
  std::vector<heir> heirs_;
  std::uint64_t sent_ = 0;                            // parts
  std::map<std::uint64_t, std::size_t> on_their_way_; // parts: heirs that have not taken them
  std::size_t predecessors_heard_ = 0;
};

} // namespace instar
