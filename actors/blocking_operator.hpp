#pragma once

#include "actors/blocking_context.hpp"
#include "actors/operator.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace instar {

class blocking_thread;

/// Where the thread of a `blocking_operator` is at rest for a cut.
enum class rest_place {
  /// Out of `run`: the wrapper that it is in, or calls next, throws `interrupted`, and what that
  /// passes on its way out may still put members in order, and emit.
  out_of_run,
  /// In the wrapper that it waits in, or calls next; `interrupted` is thrown when the cut has been
  /// decided. A thread that waits need not even be woken. For operators that have all that `save`
  /// needs in members, and no lock, whenever they call a wrapper; they emit nothing on their way
  /// out. If its place ends, such a thread is at rest out of `run` as well.
  where_it_waits,
  /// Out of `run`, when it calls the next wrapper: none that waits is interrupted. For comparison
  /// (`bench/run.sh quiesce`): a setting of the types there.
  at_next_call,
};

/// An operator that may block: it has a thread of its own, on which all its work is done.
///
/// Its thread lives from the commit that brought it to its cut. For the cut it is interrupted (see
/// `blocking_context`; as soon as the markers are sent, if nothing needs it until they come), and
/// only when it is at rest (`rest_place`) the state is saved: `save` needs no locks.
/// The successor's `run` is called in its place; after a rollback or a checkpoint, this one's
/// again. In a loop that a transition empties it is interrupted as soon as nothing comes into the
/// loop any more, whatever its part, and stays at rest until its cut. Else markers and updates of
/// others do not interrupt it: what the thread makes later of packets that came before a marker
/// leaves behind it.
///
/// A thread that does not come to rest before the deadline has the transition refused, with the
/// operator's name and the stack that it is blocked in. One that does not come to rest when the
/// service has to end without it is left behind.
///
/// It has no keyed state: `parts` would be read while the thread runs. It does not ask requests.
class blocking_operator : public operator_base {
public:
  explicit blocking_operator(rest_place rests = rest_place::out_of_run);
  ~blocking_operator() override;

  /// The operator's work. Called once more after every cut that this instance survives, so it
  /// begins with what the members say. If it returns, the thread has ended; packets that still come
  /// are dropped. An exception other than `interrupted` is handled as one in `on_packet` (`resume`
  /// and `restart` call `run` again; packets that wait are kept).
  virtual void run(blocking_context& ctx) = 0;

  /// A packet that waits for the thread at the cut, oldest first, to be kept in the state. Whoever
  /// returns false has the cut wait until the thread has taken all of them itself. Called while the
  /// thread is at rest, as `save` is.
  ///
  /// If `removed()`, nothing is saved: true gives the packet up with the operator.
  virtual bool left_over(std::size_t /*port*/, packet& /*p*/) { return false; }

protected:
  /// In `left_over`: whether the operator's place ends.
  bool removed() const noexcept { return purpose_ == cut_purpose::removal; }

private:
  void on_start(context& ctx) final;
  void on_packet(context& ctx, std::size_t port, packet p) final;
  void on_answer(context&, std::size_t, std::uint64_t, packet) final {}
  void on_no_answer(context&, std::size_t, std::uint64_t, no_answer) final {}
  void on_events(context& ctx, std::span<event> events) final;
  void on_timer(context& ctx, std::uint64_t token) final;
  void on_activation_end(context& ctx) final;
  void on_cut_ahead(context& ctx) final;
  std::optional<std::string> not_yet(context& ctx, cut_purpose purpose) final;
  bool has_thread() const noexcept final { return true; }
  void on_go_on(context& ctx) final;
  bool at_end() noexcept final;
  parted_state* parts() final { return nullptr; }

  void publish(context& ctx);
  void take_room(context& ctx, std::size_t room);
  void take_back(std::span<event> events);
  void throw_what_run_threw(context& ctx);
  bool all_left_over();
  std::string watch(context& ctx);
  void end_watch(context& ctx);

  const std::unique_ptr<blocking_thread> thread_;
  std::vector<blocking_context::input> came_; // in this activation
  std::size_t room_ = 0;                      // for so many packets
  cut_purpose purpose_ = cut_purpose::hand_over;

  // While it is waited for the thread to come to rest.
  std::uint64_t watch_ = 0; // timer
  std::size_t looks_ = 0;
  std::string where_;
  bool asked_where_ = false; // the thread, which has not answered
};

} // namespace instar
