#pragma once

#include "actors/inlet.hpp"
#include "actors/operator_type.hpp"
#include "actors/packet.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace instar {

enum class log_level { debug, info, warning, error };

/// What a host offers, by resource name. Does not change while operators run.
using host_resources = std::map<std::string, void*, std::less<>>;

/// What an operator may ask of the host. One per instance, valid only inside a call that passes
/// it; used from the thread of that call only.
class context {
public:
  context(const context&) = delete;
  context& operator=(const context&) = delete;

  /// Sends a packet on an output port. It leaves when the activation ends. To several arcs on the
  /// port the payload is shared. A port without arcs drops it.
  ///
  /// Never blocks and never fails: beyond the arc's credit the packet is kept, and the operator
  /// gets no further input until all kept packets have left; on a feedback arc they do not hold it
  /// up.
  template <class P>
  void emit(const out_port<P>& port, payload_ptr<payload_class<P>> body, std::uint64_t key = 0) {
    emit_packet(port.index, packet{payload_ptr<payload>(std::move(body)), key});
  }

  /// The same for a packet that is passed on as it came.
  virtual void emit_packet(std::size_t output, packet p) = 0;

  /// Asks whoever the port's arc leads to. The packet that gets there has the returned id as its
  /// key. `on_answer`, or after `deadline` `on_no_answer`, is called with `token`: choose one that
  /// the state can make sense of, because a successor may be the one that is called.
  ///
  /// Credit is that of `emit`. Never fails: without an arc nobody answers.
  template <class Q, class A>
  std::uint64_t request(const request_port<Q, A>& port, payload_ptr<payload_class<Q>> body,
                        std::chrono::nanoseconds deadline, std::uint64_t token = 0) {
    return request_packet(port.ask.index, payload_ptr<payload>(std::move(body)), deadline, token);
  }

  /// Answers the request whose packet had this key: it goes to the operator that asked, and to no
  /// other on the port. May be called later than in `on_packet`, also by a successor. Dropped if
  /// the place that asked has ended.
  template <class Q, class A>
  void answer(const answer_port<Q, A>& port, std::uint64_t request,
              payload_ptr<payload_class<A>> body) {
    answer_packet(port.answer.index, request, payload_ptr<payload>(std::move(body)));
  }

  virtual std::uint64_t request_packet(std::size_t output, payload_ptr<payload> body,
                                       std::chrono::nanoseconds deadline, std::uint64_t token) = 0;
  virtual void answer_packet(std::size_t output, std::uint64_t request,
                             payload_ptr<payload> body) = 0;

  /// Calls `on_timer(token)` once, not earlier than after `delay`. Pending timers move to the
  /// successor with the time that is left. Returns an id for `cancel_timer`.
  virtual std::uint64_t set_timer(std::chrono::nanoseconds delay, std::uint64_t token) = 0;
  virtual void cancel_timer(std::uint64_t id) = 0;

  /// Runs `work` on a thread of the host's blocking pool, then `done` on the operator as a call
  /// of its own (it may emit). An exception in `work` is treated like one in `on_packet`.
  /// The operator does not reach its cut while such work is open.
  virtual void run_blocking(std::function<void()> work, std::function<void(context&)> done) = 0;

  /// Writes a line to the host's log, with the operator's name.
  virtual void log(log_level level, std::string_view line) = 0;

  /// Where host resources post events for this operator. Survives every update of it.
  virtual const std::shared_ptr<inlet>& events() = 0;

  /// A host-owned resource, such as `net::reactor`, by its type's `resource_name`.
  /// Throws `std::runtime_error` naming it if the host does not offer it.
  template <class R>
  R& host() {
    return *static_cast<R*>(host_resource(R::resource_name));
  }

  /// The operator's name in the graph.
  virtual std::string_view name() const = 0;
  /// Epoch of the graph version that this instance belongs to.
  virtual epoch_t epoch() const = 0;

  /// Asks the supervisor to stop the whole service in good order, for example because the
  /// listening socket was lost.
  virtual void stop_service(std::string_view reason) = 0;

protected:
  context() = default;
  ~context() = default;
  virtual void* host_resource(std::string_view name) = 0;

public:
  /// What an operator keeps that it will emit later, at a timer or an event.
  enum class keeping {
    nothing,
    some,
    full,
    no_room, ///< nothing that a marker waits for, but there is no room for more
  };
  /// While it says `some` or `full`, no marker passes the operator, whatever its part in a
  /// transition: what it keeps belongs before the marker. From `full` or `no_room` on it gets no
  /// further packets, but with `no_room` those that a marker has come behind; events, timers and
  /// finished blocking work come as ever.
  virtual void keep(keeping) {}

  /// How many operators share the packets of an output by their keys (`replicas` in the graph
  /// file), and which of them gets those of a key: whoever sends batches makes one for each.
  virtual std::size_t lanes(std::size_t /*output*/) const { return 1; }
  virtual std::size_t lane(std::size_t /*output*/, std::uint64_t /*key*/) const { return 0; }

  /// What `host` looks in, for threads of the operator's own: any thread may, as long as the
  /// instance lives. Null if the host has none.
  virtual const host_resources* offered() const { return nullptr; }
};

} // namespace instar
