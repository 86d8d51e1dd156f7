#pragma once

#include "actors/aligner.hpp"
#include "actors/graph.hpp"
#include "actors/instance.hpp"
#include "actors/key_sketch.hpp"
#include "actors/links.hpp"
#include "actors/part_puller.hpp"
#include "actors/part_sender.hpp"
#include "actors/participation.hpp"
#include "actors/thrown_text.hpp"
#include "transfer/conversion.hpp"
#include "transfer/state.hpp"

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace instar {

using core_clock = std::chrono::steady_clock;

/// What the core asks of the actor around it.
class core_host {
public:
  virtual core_clock::time_point now() = 0;
  /// Calls `timer_due(id)` of the core when `at` has come.
  virtual void start_timer(std::uint64_t id, core_clock::time_point at) = 0;
  /// Runs `work` elsewhere, then calls `job_done(id, what it threw)` of the core. `needs` has to
  /// outlive `work`, whatever becomes of the core.
  virtual void start_job(std::uint64_t id, std::function<void()> work,
                         std::shared_ptr<operator_base> needs) = 0;
  virtual void* resource(std::string_view name) = 0;
  virtual const host_resources* offered() const { return nullptr; }
  virtual void write_log(log_level level, std::string_view line) = 0;
  virtual void request_stop(std::string reason) = 0;

  /// A part of its keyed state, for whoever takes it over; `part_taken` of the core tells that it
  /// has.
  virtual void send_part(epoch_t epoch, sent_part part) = 0;
  /// All of it has been taken over but for the little that changes before the cut.
  virtual void copied(epoch_t epoch) = 0;
  /// Of the keyed state that goes to a successor, or comes from the instance before, so many
  /// entries have.
  virtual void parts_moved(epoch_t epoch, std::uint64_t entries, std::uint64_t total) = 0;
  /// … and all of it is here.
  virtual void all_moved(epoch_t epoch) = 0;

  /// The operator stands at its cut and has forwarded the marker; on a state edge with its state.
  /// Or, where that is awaited, it has passed its cut.
  virtual void at_cut(epoch_t epoch, std::optional<state> saved) = 0;
  /// It cannot be taken over yet, for this reason; said again when the reason changes,
  /// and with none when it has passed its cut after all (`pass`).
  virtual void cut_delayed(epoch_t epoch, std::string reason) = 0;
  /// It cannot take part; the transition has to be rolled back.
  virtual void cut_failed(epoch_t epoch, std::string reason) = 0;

protected:
  ~core_host() = default;
};

/// Everything about an operator instance that does not change while it lives.
struct operator_setup {
  operator_place place;
  operator_description type;
  operator_factory factory;
  settings values;
  error_policy on_error;
  epoch_t epoch = 0;                  ///< of the graph version that brings this instance
  std::size_t activation_limit = 256; ///< packets per activation
  /// From what the instance before has to what this one reads.
  conversion state_conversion{}, part_conversion{};
  std::size_t predecessors = 1;       ///< so many bring it state, or the word that there is none
  bool shares = false;                ///< packets with others, by their keys
  std::shared_ptr<ballot> ready{};    ///< it votes when it is constructed
  std::shared_ptr<ballot> restored{}; ///< … and here when it holds its state
};

/// A timer that moves from an old instance to its successor.
struct pending_timer {
  core_clock::time_point due;
  std::uint64_t token = 0;
};

/// What a successor gets from the instance before, besides the state that it has restored.
struct handed_over {
  std::vector<pending_timer> timers;
  void* native = nullptr; ///< the object that all state is in; owned by whoever has it
  left_parts parts;       ///< keyed state that is still to come
};

/// Runs one operator instance: gives it its input, carries away its output, keeps it within its
/// credit, aligns markers, brings it to its cut, and deals with what it throws.
///
/// The protocol's part of an operator, without actor or thread: the runner feeds it.
class operator_core final : private context {
public:
  operator_core(core_host& host, operator_setup setup);
  ~operator_core();

  const operator_setup& setup() const { return setup_; }

  // -- life -------------------------------------------------------------------------------------

  /// Takes a constructed instance, not yet started.
  void set_instance(operator_instance made);
  /// Restores the instance. A failure is the operator's; it must then not be started.
  result<void> restore(const state& from);
  /// Before `start`, after all restores.
  result<void> claim();
  /// Takes over a part of its keyed state. As a rehearsal it is only tried.
  result<void> read_part(const sent_part& part, bool rehearsal);
  /// The commit of the transition that brings this instance: from now on it runs.
  void start(operator_links links, handed_over from);
  /// Lets go of the arcs and of everything that is the module's. What is returned still has the
  /// module's code in it; dropping it (anywhere, but off the hot path) destroys the instance.
  struct remains {
    std::shared_ptr<operator_base> instance;
    operator_factory factory;
    std::shared_ptr<part_puller> parts;           ///< of the instance before
    conversion state_conversion, part_conversion; // modules' code as well
  };
  remains end();

  bool running() const { return phase_ == phase::running; }
  bool ended() const { return phase_ == phase::ended; }

  // -- work -------------------------------------------------------------------------------------

  /// Processes what is there, up to the activation limit, and publishes what was emitted.
  /// Returns whether it wants to be activated again at once. If not, and if it runs, its doorbell
  /// is armed: whatever comes will wake it.
  bool activate();

  void timer_due(std::uint64_t id);
  void job_done(std::uint64_t id, std::optional<std::string> thrown);

  // -- transitions ------------------------------------------------------------------------------

  /// Takes its part. Fails if it already has one.
  result<void> prepare(participation part);
  /// Keyed state begins to flow to the successor, or its rehearsal.
  void begin_copy(epoch_t epoch);
  /// A part has been taken over.
  void part_taken(epoch_t epoch);
  /// The markers have been sent: at a head of the region this is the marker.
  void mark(epoch_t epoch);
  /// Back to what was before: the same instance goes on with everything it has. Returns whether it
  /// waited at its cut, so that it has to be activated.
  bool abort(epoch_t epoch);
  /// `rewire`: takes the new arcs and goes on.
  void commit_rewire(epoch_t epoch);
  /// `replace`: what the successor needs besides the state. The instance must then be ended.
  handed_over commit_replace(epoch_t epoch);

private:
  enum class phase { constructed, running, at_cut, ended };
  struct output {
    out_link link;
    bool rings = false; // the consumer is to be woken by this activation
  };
  /// Where a packet of an output goes: to one out-arc, or by its key to one of several.
  struct target {
    std::uint32_t first = 0; // in outputs_
    std::uint32_t lanes = 1;
    key_kind key = key_kind::number;
  };
  /// One of the outputs that ask.
  struct asking {
    static constexpr std::size_t none = ~std::size_t{0};
    std::size_t port = 0;
    std::size_t answers = none; // in-arc that brings them
  };
  /// Where the answers to a place's requests go.
  struct route {
    std::uint64_t place = 0;
    std::size_t out = 0; // in outputs_
  };
  struct alarm {
    core_clock::time_point at;
    std::uint64_t id = 0;
  };
  struct job {
    std::function<void(context&)> done;
    std::optional<std::string> thrown;
  };

  // context
  void emit_packet(std::size_t port, packet p) override;
  std::uint64_t request_packet(std::size_t output, payload_ptr<payload> body,
                               std::chrono::nanoseconds deadline, std::uint64_t token) override;
  void answer_packet(std::size_t output, std::uint64_t request, payload_ptr<payload> body) override;
  std::uint64_t set_timer(std::chrono::nanoseconds delay, std::uint64_t token) override;
  void cancel_timer(std::uint64_t id) override;
  void run_blocking(std::function<void()> work, std::function<void(context&)> done) override;
  void log(log_level level, std::string_view line) override { host_.write_log(level, line); }
  const std::shared_ptr<inlet>& events() override { return setup_.place.events; }
  std::string_view name() const override { return setup_.place.name; }
  epoch_t epoch() const override { return setup_.epoch; }
  void stop_service(std::string_view reason) override { host_.request_stop(std::string(reason)); }
  void* host_resource(std::string_view name) override { return host_.resource(name); }
  const host_resources* offered() const override { return host_.offered(); }
  void keep(keeping what) override { keeping_ = what; }
  std::size_t lanes(std::size_t output) const override;
  std::size_t lane(std::size_t output, std::uint64_t key) const override;

  void set_links(operator_links links);
  void set_outputs(std::vector<out_link> links);
  state_header part_header() const;
  bool copy_parts();
  void fail_copy();
  void send_rest();
  bool rest_parts(core_clock::time_point since);
  bool move_parts();
  void start_moving(left_parts from, conversion convert);
  void take_parts_of(const std::shared_ptr<operator_base>& failed);
  void tell_moved(std::uint64_t entries, std::uint64_t total);
  void set_requests();
  void take_answer(packet p);
  bool process_requests();
  bool requests_wait() const;
  void show_awaited();
  void set_alarm();
  bool alarm_rang(std::uint64_t id);
  void deliver(output& to, packet&& p);
  bool retry_overflow();
  bool process();
  bool process_callbacks();
  bool process_events();
  bool process_packets();
  void note_key(std::uint64_t key);
  bool take_from(std::size_t in, std::size_t& budget);
  bool held(std::size_t in) const {
    return aligner_.held(in) && !(in < drained_in_.size() && drained_in_[in]);
  }
  bool feedback_exhausted();
  bool cycles_press() const;
  bool may_take(std::size_t in);
  bool may_take_events();
  void on_marker(std::size_t in, epoch_t epoch);
  void cut_if_due();
  void try_cut();
  std::optional<std::string> unfinished() const;
  std::optional<std::string> ask_not_yet();
  std::optional<std::string> reason_to_wait();
  bool is_asked() const;
  cut_purpose purpose() const;
  void settle();
  void show_stirring();
  void delay_cut(const std::string& reason);
  void close_way_in();
  bool loops_empty();
  bool forward_markers();
  void fail_cut(std::string reason);
  void fail_save();
  void stand();
  void go_on();
  void ring_cycles();
  void publish();
  bool publish_and_sleep();
  bool has_work();
  bool input_ready();
  bool has_room(std::size_t in);
  void tell_it_goes_on();

  template <class Call>
  void guarded(Call&& call) {
    try {
      call();
    } catch (...) {
      on_error(thrown_text());
    }
  }
  void on_error(std::string what);
  void restart();
  state save(std::uint64_t schema = 0, save_purpose purpose = save_purpose::hand_over);
  void save_checkpoint();
  bool loops_stayed_empty();
  operator_counters& count() { return *setup_.place.counters; }

  core_host& host_;
  operator_setup setup_;
  phase phase_ = phase::constructed;
  std::shared_ptr<operator_base> instance_; // shared with blocking work that is open
  state last_state_;                        // what `restart` falls back to

  parted_state* parts_ = nullptr; // of the instance
  std::optional<part_sender> sender_;
  bool said_copied_ = false;
  std::unique_ptr<part_puller> puller_;
  std::uint64_t pull_job_ = 0;
  core_clock::time_point pull_began_{};
  std::uint64_t pause_ = 0; // timer: no part is sent or fetched before it
  core_clock::time_point told_moved_{};

  std::vector<in_link> inputs_; // feedback arcs first
  std::size_t feedback_in_ = 0; // how many those are
  std::shared_ptr<const cycle_links> cycles_;
  std::vector<output> outputs_;
  std::vector<std::vector<target>> ports_; // by output port
  key_sketch keys_;
  std::size_t unseen_ = 0; // packets since it last saw one
  std::size_t next_input_ = 0;
  bool overflowing_ = false; // an out-arc holds packets for which there was no credit
  bool blocked_ = false;     // … and it is no feedback arc
  keeping keeping_ = keeping::nothing;

  bool asks_ = false; // has outputs that ask, or requests of a version that had
  std::vector<asking> asking_;
  std::vector<bool> answers_in_;           // by in-arc: brings answers
  std::vector<std::vector<route>> routes_; // by output port, if it carries answers; sorted
  std::vector<alarm> alarms_;              // not yet rung; the earliest is the last
  bool alarm_rang_ = false;
  bool awaited_changed_ = false; // since it was last shown
  bool more_ = false;            // stopped by the activation limit
  bool released_ = false;        // credit was given back since the last activation
  bool relieved_ = false;        // a feedback arc overflows no longer

  std::vector<event> taken_events_;
  std::uint64_t next_id_ = 1;
  std::map<std::uint64_t, pending_timer> timers_;
  std::deque<std::uint64_t> due_timers_;
  std::map<std::uint64_t, job> jobs_;
  std::deque<job> done_jobs_;

  marker_aligner aligner_;
  participation part_;
  std::string last_reason_;
  bool cut_failed_ = false;      // said so; waits for the rollback
  bool asked_ = false;           // `not_yet`, and not told yet that it goes on
  std::vector<bool> drained_in_; // by in-arc: goes on being taken from at the cut
  bool stirs_ = false;           // in loops that are emptied: see loop_drain
  bool shown_stirring_ = false;  // … as it was last told
  bool saw_open_ = false;        // … a way into them was open when it last looked
  bool way_in_closed_ = false;   // as a head of loops that are emptied
  bool loops_wait_ = false;      // only that they are empty is waited for
  std::size_t closing_ = 0;      // ways in, to be closed by the next `publish`
  bool stands_ = false;          // holds back what these may wait for:
  std::vector<std::shared_ptr<const cycle_links>> held_up_;
  std::uint64_t look_again_ = 0; // timer
  std::deque<core_clock::time_point> recent_errors_;
};

} // namespace instar
