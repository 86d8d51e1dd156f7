#pragma once

#include "actors/context.hpp"
#include "actors/operator_type.hpp"
#include "actors/packet.hpp"
#include "transfer/state.hpp"

#include <optional>
#include <span>
#include <string>

namespace instar {

/// Why an operator stands at a cut.
enum class cut_purpose {
  hand_over, ///< a successor takes over, with the state
  removal,   ///< the operator's place ends; what it holds must be finished or lost
};

/// What an author of a service writes: user code with named, typed ports and transferable state.
///
/// The actor that runs an operator calls it from one thread at a time, never from two at once.
/// Packets of one arc come in order. An exception that leaves `on_*` is handled by the strategy
/// that the graph file declares (`on_error`); one that leaves the constructor or `restore`
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

  /// Events that host resources posted to this operator's inlet, oldest first.
  virtual void on_events(context&, std::span<event>) {}

  /// A timer set with `context::set_timer` has run out.
  virtual void on_timer(context&, std::uint64_t /*token*/) {}

  /// All packets and events of this activation were given; emitted packets leave after this call.
  virtual void on_activation_end(context&) {}

  /// Asked at the cut, again after every activation until the deadline: nothing if all that this
  /// operator holds can go into its state (or, on `removal`, is finished), else the reason why
  /// not yet. Meanwhile no packets arrive, except along feedback arcs whose loop is being emptied;
  /// events, timers and finished blocking work do.
  virtual std::optional<std::string> not_yet(context&, cut_purpose) { return std::nullopt; }

  /// Writes the state in the declared schema. Called at the cut; the instance must stay able to
  /// go on, because the transition may still be rolled back.
  virtual void save(state_writer&) const {}

  /// Reads state that an earlier, equal or later version saved in a compatible schema.
  /// Called before `on_start`; must not emit, set timers or change anything outside.
  virtual void restore(context&, state_reader&) {}
};

} // namespace instar
