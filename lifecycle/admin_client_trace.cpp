// The client's side of a trace.
#include "lifecycle/admin_client_parts.hpp"

#include <kj/async-unix.h>

#include <csignal>
#include <optional>
#include <utility>

namespace instar {

namespace {

using clock = std::chrono::steady_clock;

trace_totals read_totals(wire::TraceTotals::Reader from) {
  return {from.getPackets(), from.getDropped(), from.getLeftOut()};
}

/// What the sink and the conversation have in common. The sink may outlive the conversation.
struct progress {
  const trace_watcher* watch; ///< null when nobody listens any more
  kj::Own<kj::PromiseFulfiller<void>> enough;
  std::optional<trace_end> ended;
  trace_totals seen{}; ///< as far as told
};

class sink final : public wire::TraceSink::Server {
public:
  explicit sink(std::shared_ptr<progress> to) : to_(std::move(to)) {}

  kj::Promise<void> packets(PacketsContext call) override {
    if (!to_->watch) return kj::READY_NOW;
    std::vector<traced_packet> got;
    for (const auto h : call.getParams().getHeaders())
      got.push_back({std::chrono::system_clock::time_point(std::chrono::nanoseconds(h.getWhenNs())),
                     std::chrono::nanoseconds(h.getGapNs()), h.getKey(), h.getPayload().cStr(),
                     h.getDropped()});
    to_->seen.packets += got.size();
    for (const auto& p : got) to_->seen.dropped += p.dropped;
    if (to_->watch->packets && !to_->watch->packets(got)) to_->enough->fulfill();
    return kj::READY_NOW;
  }

  kj::Promise<void> ended(EndedContext call) override {
    const auto said = call.getParams();
    to_->ended = {read_totals(said.getTotals()), {}, said.getReason().cStr()};
    to_->enough->fulfill();
    return kj::READY_NOW;
  }

private:
  const std::shared_ptr<progress> to_;
};

template <class Request>
void write(const trace_request& from, Request& to) {
  to.setArc(from.arc);
  to.setDelayNs(static_cast<std::uint64_t>(from.delay.count()));
  to.setDrop(from.drop);
  to.setSeed(from.seed);
  to.setDeadlineNs(static_cast<std::uint64_t>(from.deadline.count()));
}

} // namespace

result<trace_end> admin_client::trace(const trace_request& wanted, const trace_watcher& watch) {
  auto& p = *parts_;
  for (const int number : watch.signals) kj::UnixEventPort::captureSignal(number);
  const auto signal = [&]() -> kj::Promise<void> {
    kj::Promise<void> any = kj::NEVER_DONE;
    for (const int number : watch.signals)
      any = any.exclusiveJoin(p.io.unixEventPort.onSignal(number).ignoreResult());
    return any;
  };
  const failure interrupted{errc::refused, "interrupted; the service takes the operator off"};
  auto enough = kj::newPromiseAndFulfiller<void>();
  auto shared = std::make_shared<progress>(progress{&watch, kj::mv(enough.fulfiller), {}, {}});

  using answer = capnp::Response<wire::Session::TraceResults>;
  auto talk = [&]() -> result<trace_end> {
    const auto began = clock::now();
    const auto took = [began] { return clock::now() - began; };
    std::optional<answer> begun;
    auto request = p.asked().traceRequest();
    write(wanted, request);
    request.setSink(kj::heap<sink>(shared));
    request.send()
        .then([&](answer&& r) { begun.emplace(kj::mv(r)); })
        .exclusiveJoin(signal())
        .wait(p.io.waitScope);
    if (!begun) return interrupted;
    const auto tracing = begun->getTracing();
    if (!tracing.isTrace()) return failure{errc::refused, tracing.getRefused().cStr()};
    if (watch.begun) watch.begun(tracing.getArc().cStr(), tracing.getOperator().cStr());

    auto until = enough.promise.exclusiveJoin(signal());
    if (watch.lasts.count() > 0)
      until = until.exclusiveJoin(p.timer().afterDelay(watch.lasts.count() * kj::NANOSECONDS));
    bool gone = false;
    until.exclusiveJoin(KJ_ASSERT_NONNULL(p.rpc).onDisconnect().then([&] { gone = true; }))
        .wait(p.io.waitScope);
    // Then it is off already.
    if (shared->ended) return trace_end{shared->ended->totals, took(), shared->ended->removed};
    if (gone) return trace_end{shared->seen, took(), "the service has closed the connection"};

    std::optional<trace_end> end;
    tracing.getTrace()
        .stopRequest()
        .send()
        .then([&](auto&& r) {
          end = trace_end{read_totals(r.getTotals()), took(), {}};
        })
        .exclusiveJoin(signal())
        .wait(p.io.waitScope);
    if (!end) return interrupted;
    if (shared->ended) end = trace_end{shared->ended->totals, took(), shared->ended->removed};
    return *std::move(end);
  };
  auto outcome = p.ask<trace_end>(talk);
  shared->watch = nullptr;
  return outcome;
}

} // namespace instar
