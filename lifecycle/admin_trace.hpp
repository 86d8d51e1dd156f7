#pragma once

#include "lifecycle/admin.capnp.h"
#include "lifecycle/graph_edit.hpp"
#include "lifecycle/trace_hub.hpp"
#include "transfer/result.hpp"

#include <kj/async.h>
#include <kj/timer.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace instar {

class service;
struct admin_peer;

/// What a client wants to see of an arc, and to be done to its packets.
struct trace_wish {
  std::string arc; ///< ports may be left out where that is clear
  std::chrono::nanoseconds delay{0};
  double drop = 0;
  std::uint64_t seed = 1;
  std::chrono::nanoseconds deadline{0};
};

/// The traces of all clients: puts operators on arcs, sends the headers, and takes the operators
/// off again, whatever becomes of the client: when it says so, when it drops the capability, when
/// its connection breaks. What is refused or rolled back then is tried again every second, until
/// the service stops.
///
/// Server's thread only.
class trace_desk final : public std::enable_shared_from_this<trace_desk>,
                         private kj::TaskSet::ErrorHandler {
public:
  static constexpr std::size_t most_traces = 16;

  trace_desk(service& target, kj::Timer& timer);
  /// Orders what is left on arcs to be taken off, without waiting for it.
  ~trace_desk() noexcept(false);

  kj::Promise<void> begin(trace_wish wish, wire::TraceSink::Client sink,
                          std::shared_ptr<admin_peer> peer, wire::Tracing::Builder answer);

private:
  struct trace;
  class claim;
  class handle;
  using trace_ptr = std::shared_ptr<trace>;
  struct begun {
    std::string refusal; ///< empty if it is on
    std::shared_ptr<claim> claimed;
  };

  kj::Promise<begun> put_on(trace_ptr t, trace_wish wish);
  result<graph_edit> plan(trace& t, const trace_wish& wish, const graph& running) const;
  result<const arc_node*> find(const graph& running, const std::string& arc) const;
  kj::Promise<void> pump(trace_ptr t);
  kj::Promise<void> pause_and_pump(trace_ptr t);
  kj::Promise<void> send(trace& t, const std::vector<packet_header>& headers);
  void finish(trace& t);
  void end(const trace_ptr& t);
  kj::Promise<void> take_off(trace_ptr t);
  kj::Promise<void> look_after(trace_ptr t, std::string refusal);
  kj::Promise<void> find_who_removed(trace_ptr t);
  std::chrono::nanoseconds patience() const;
  void forget(trace& t);
  void taskFailed(kj::Exception&& e) override;

  service& target_;
  kj::Timer& timer_;
  std::uint64_t last_ = 0;
  std::map<std::string, trace_ptr> traces_; // by operator
  kj::TaskSet tasks_;
};

} // namespace instar
