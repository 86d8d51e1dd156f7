#pragma once

#include "actors/context.hpp"
#include "actors/operator_type.hpp"
#include "actors/packet.hpp"
#include "transfer/parted_state.hpp"
#include "transfer/state.hpp"

#include <memory>
#include <optional>
#include <span>
#include <string>

namespace instar {

/// Why an operator stands at a cut.
enum class cut_purpose {
  hand_over, ///< a successor takes over, with the state; or a checkpoint is written
  removal,   ///< the operator's place ends; what it holds must be finished or lost
};

/// Why a request has no answer.
enum class no_answer {
  deadline, ///< its time has run out; an answer that comes later is dropped
  nobody,   ///< no arc leaves its output, or not to whom it was asked of any more
};

/// What an author of a service writes: user code with named, typed ports and transferable state.
///
/// The actor that runs an operator calls it from one thread at a time, never from two at once.
/// Packets of one arc come in order. An exception that leaves `on_*` is handled by the strategy
/// that the graph file declares (`on_error`); one that leaves the constructor, `restore` or `claim`
/// refuses the transition, and the old version goes on.
///
/// A derived class declares `static constexpr operator_type type` and is constructible from
/// `const settings&` or without arguments.
class operator_base {
public:
  operator_base() = default;
  operator_base(const operator_base&) = delete;
  operator_base& operator=(const operator_base&) = delete;
  virtual ~operator_base();

  /// First call after the transition that brought this instance has committed, restored or fresh.
  virtual void on_start(context&) {}

  /// One packet from input port `port` (its `index`). Not called while an output has no credit.
  virtual void on_packet(context& ctx, std::size_t port, packet p) = 0;

  /// The answer to a request that left by output `port` (the index of `request_port::ask`), with
  /// the token that was given to `context::request`: of this instance or of one before it.
  ///
  /// For each request exactly one of this and `on_no_answer` is called, once, whatever updates and
  /// rollbacks come between; neither if the operator's place in the graph has ended.
  virtual void on_answer(context&, std::size_t /*port*/, std::uint64_t /*token*/,
                         packet /*answer*/) {}

  /// The request has no answer and gets none. Called like timers, never inside `request`. `port` is
  /// `no_port` if this version no longer has the output.
  virtual void on_no_answer(context&, std::size_t /*port*/, std::uint64_t /*token*/, no_answer) {}

  static constexpr std::size_t no_port = ~std::size_t{0};

  /// Events that host resources posted to this operator's inlet, oldest first.
  virtual void on_events(context&, std::span<event>) {}

  /// A timer set with `context::set_timer` has run out.
  virtual void on_timer(context&, std::uint64_t /*token*/) {}

  /// All packets and events of this activation were given; emitted packets leave after this call.
  virtual void on_activation_end(context&) {}

  /// The markers of a transition have been sent, and at its cut this operator will be asked
  /// `not_yet`, for a hand-over. Packets may still come before. For those that take a while to be
  /// ready, and do better to begin now. Not called if loops have to be emptied first.
  virtual void on_cut_ahead(context&) {}

  /// Asked at the cut, again after every activation until the deadline: nothing if all that this
  /// operator holds can go into its state (or, on `removal`, is finished), else the reason why
  /// not yet; an empty one, of what takes but a moment, is told to nobody. Who `has_thread` is
  /// asked before that, too, when a loop that it is in is emptied and nothing comes in from outside
  /// any more. Meanwhile no packets arrive, except along feedback arcs whose loop is being emptied;
  /// events, timers and finished blocking work do. Once only such a loop is waited for, events do
  /// not arrive either.
  virtual std::optional<std::string> not_yet(context&, cut_purpose) { return std::nullopt; }

  /// Whether it emits by itself, from a thread of its own, unless it has said nothing to `not_yet`;
  /// from then on until `on_go_on` it must not.
  virtual bool has_thread() const noexcept { return false; }

  /// Writes the state in the declared schema, for what `state_writer::purpose` says. Called at the
  /// cut; the instance must stay able to go on, after a rollback and after a checkpoint.
  virtual void save(state_writer&) const {}

  /// Reads state that an earlier, equal or later version saved in a compatible schema.
  /// Called before `on_start`; must not emit, set timers or change anything outside.
  virtual void restore(context&, state_reader&) {}

  /// Takes what not everybody can have, such as a port. Called once, before the transition that
  /// brings this instance commits, and after `restore` if there is state to restore: so whoever
  /// cannot have it throws a line that says why and what to do, and nothing has changed. What was
  /// taken must go with this instance, which may never start. Must not emit or set timers.
  virtual void claim(context&) {}

  /// The keyed state, which goes to a successor in parts and is not part of what `save` writes. The
  /// same object as long as the instance lives; null if the type declares no `part_schema`.
  virtual parted_state* parts() { return nullptr; }

  /// Of a type that declares a `native` state, the object that all its state is in, for a successor
  /// that declares the same. Called once, at the commit, instead of `save`; nothing else is called
  /// after it but the destructor.
  virtual void* give_native() noexcept { return nullptr; }
  /// Takes the object over, in place of `restore`. Before `on_start`.
  virtual void take_native(void*) noexcept {}

  /// This instance goes on: a transition in which it was asked `not_yet`, or told `on_cut_ahead`,
  /// has been rolled back, or its state has been written to a checkpoint. After a restart also one
  /// that was not asked.
  virtual void on_go_on(context&) {}

  /// Called once before the destructor, while all of the object is still there: here threads that
  /// call it come to their end. Not on the thread of the other calls, and may wait. Returns whether
  /// it may be destroyed; if not, it stays with its code until the process ends.
  virtual bool at_end() noexcept { return true; }
};

/// Keeps for good what cannot be destroyed.
void leave_behind(operator_base* instance, std::shared_ptr<const void> code);

} // namespace instar
