#include "lifecycle/admin_session.hpp"

#include "lifecycle/admin_codec.hpp"
#include "lifecycle/service.hpp"

#include <kj/debug.h>

#include <algorithm>
#include <utility>

namespace instar {

namespace {

constexpr auto longest_deadline = std::chrono::hours(24);

/// An answer of the service, which comes on a thread of the service, as a promise of this thread.
template <class T, class Ask>
kj::Promise<kj::Own<T>> answer_of(const std::shared_ptr<admin_peer>& peer, Ask ask) {
  if (peer->open_requests >= peer->options.max_open_requests)
    return KJ_EXCEPTION(OVERLOADED, "too many requests are open on this connection");
  using fulfiller_type = kj::Own<kj::CrossThreadPromiseFulfiller<kj::Own<T>>>;
  auto pair = kj::newPromiseAndCrossThreadFulfiller<kj::Own<T>>();
  // Shared because std::function copies. If the service ends without an answer, the last copy
  // rejects the promise.
  auto fulfiller = std::make_shared<fulfiller_type>(kj::mv(pair.fulfiller));
  ask([fulfiller](T value) { (*fulfiller)->fulfill(kj::heap<T>(std::move(value))); });
  ++peer->open_requests;
  return pair.promise.attach(kj::defer([peer] { --peer->open_requests; }));
}

history_entry refusal(const admin_peer& peer, const std::vector<failure>& mistakes) {
  history_entry entry;
  entry.who = peer.who.name();
  entry.when = std::chrono::system_clock::now();
  entry.outcome = transition_outcome::refused;
  for (const auto& m : mistakes) entry.reason += (entry.reason.empty() ? "" : "; ") + m.message;
  return entry;
}

class session final : public wire::Session::Server {
public:
  explicit session(std::shared_ptr<admin_peer> peer) : peer_(std::move(peer)) {}

  kj::Promise<void> status(StatusContext call) override {
    return answer_of<service_status>(peer_,
                                     [&](auto done) { peer_->target.status(std::move(done)); })
        .then([call](kj::Own<service_status>&& s) mutable {
          write(*s, call.getResults().initStatus());
        });
  }

  kj::Promise<void> graph(GraphContext call) override {
    return answer_of<instar::graph>(
               peer_, [&](auto done) { peer_->target.current_graph(std::move(done)); })
        .then([call](kj::Own<instar::graph>&& g) mutable {
          write(*g, call.getResults().initGraph());
        });
  }

  kj::Promise<void> plan(PlanContext call) override {
    auto wanted = read(call.getParams().getWanted());
    call.releaseParams();
    auto reply = [call](kj::Own<transition_plan>&& plan) mutable {
      write(*plan, call.getResults().initPlan());
    };
    if (auto* updates = std::get_if<std::vector<operator_update>>(&wanted))
      return answer_of<transition_plan>(peer_,
                                        [&](auto done) {
                                          peer_->target.plan_update(std::move(*updates),
                                                                    std::move(done));
                                        })
          .then(std::move(reply));
    auto file = peer_->options.read_graph(std::get<graph_text>(wanted));
    if (!file.mistakes.empty()) {
      transition_plan refused;
      refused.refusals = std::move(file.mistakes);
      write(refused, call.getResults().initPlan());
      return kj::READY_NOW;
    }
    return answer_of<transition_plan>(
               peer_,
               [&](auto done) { peer_->target.plan(std::move(file.content), std::move(done)); })
        .then(std::move(reply));
  }

  kj::Promise<void> apply(ApplyContext call) override {
    auto wanted = read(call.getParams().getWanted());
    const auto asked = call.getParams().getDeadlineNs();
    call.releaseParams();
    const auto refuse = [&](std::vector<failure> mistakes) -> kj::Promise<void> {
      write(refusal(*peer_, mistakes), call.getResults().initEntry());
      return kj::READY_NOW;
    };
    if (asked > static_cast<std::uint64_t>(std::chrono::nanoseconds(longest_deadline).count()))
      return refuse({{errc::bad_input, "a deadline is at most 24h; give a shorter one"}});
    const std::chrono::nanoseconds deadline(asked);
    auto reply = [call](kj::Own<history_entry>&& entry) mutable {
      write(*entry, call.getResults().initEntry());
    };
    if (auto* updates = std::get_if<std::vector<operator_update>>(&wanted))
      return answer_of<history_entry>(peer_,
                                      [&](auto done) {
                                        peer_->target.update(std::move(*updates), peer_->who.name(),
                                                             deadline, std::move(done));
                                      })
          .then(std::move(reply));
    auto file = peer_->options.read_graph(std::get<graph_text>(wanted));
    if (!file.mistakes.empty()) return refuse(std::move(file.mistakes));
    return answer_of<history_entry>(peer_,
                                    [&](auto done) {
                                      peer_->target.apply(
                                          {std::move(file.content), peer_->who.name(), deadline},
                                          std::move(done));
                                    })
        .then(std::move(reply));
  }

  kj::Promise<void> history(HistoryContext call) override {
    const std::size_t most = call.getParams().getMost();
    return answer_of<std::vector<history_entry>>(
               peer_, [&](auto done) { peer_->target.history(std::move(done)); })
        .then([call, most](kj::Own<std::vector<history_entry>>&& given) mutable {
          const auto& all = *given;
          const auto count = std::min(most, all.size());
          auto list = call.getResults().initEntries(static_cast<unsigned>(count));
          for (std::size_t i = 0; i < count; ++i)
            write(all[all.size() - count + i], list[static_cast<unsigned>(i)]);
        });
  }

private:
  std::shared_ptr<admin_peer> peer_;
};

class admin final : public wire::Admin::Server {
public:
  explicit admin(std::shared_ptr<admin_peer> peer) : peer_(std::move(peer)) {}

  kj::Promise<void> hello(HelloContext call) override {
    const auto theirs = call.getParams().getProtocol();
    auto welcome = call.getResults();
    welcome.setProtocol(wire::PROTOCOL_VERSION);
    welcome.setVersion(peer_->options.version);
    if (theirs == 0 || theirs > wire::PROTOCOL_VERSION) {
      welcome.setRefused("the service speaks protocol " + std::to_string(wire::PROTOCOL_VERSION) +
                         " on its admin socket, the client " + std::to_string(theirs) +
                         "; use the instarctl of instar " + peer_->options.version);
      return kj::READY_NOW;
    }
    peer_->welcome = true;
    welcome.setSession(kj::heap<session>(peer_));
    return kj::READY_NOW;
  }

private:
  std::shared_ptr<admin_peer> peer_;
};

} // namespace

capnp::Capability::Client make_admin(std::shared_ptr<admin_peer> peer) {
  return kj::heap<admin>(std::move(peer));
}

} // namespace instar
