#include "lifecycle/admin_session.hpp"

#include "lifecycle/admin_codec.hpp"
#include "lifecycle/admin_codec_parts.hpp"
#include "lifecycle/admin_promise.hpp"
#include "lifecycle/order.hpp"
#include "lifecycle/policy_desk.hpp"
#include "lifecycle/service.hpp"

#include <kj/debug.h>

#include <algorithm>
#include <utility>

namespace instar {

namespace {

constexpr auto longest_deadline = std::chrono::hours(24);

/// An answer of the service; the connection may wait for only so many.
template <class T, class Ask>
kj::Promise<kj::Own<T>> answer_of(const std::shared_ptr<admin_peer>& peer, Ask ask) {
  if (peer->open_requests >= peer->options.max_open_requests)
    return KJ_EXCEPTION(OVERLOADED, "too many requests are open on this connection");
  auto promise = promised<T>(kj::mv(ask));
  ++peer->open_requests;
  return promise.attach(kj::defer([peer] { --peer->open_requests; }));
}

constexpr std::uint64_t nanoseconds_of(std::chrono::nanoseconds time) {
  return static_cast<std::uint64_t>(time.count());
}

history_entry refusal(const admin_peer& peer, const std::vector<failure>& mistakes) {
  history_entry entry;
  entry.who = peer.who.name();
  entry.when = std::chrono::system_clock::now();
  entry.outcome = transition_outcome::refused;
  for (const auto& m : mistakes) entry.reason += (entry.reason.empty() ? "" : "; ") + m.message;
  return entry;
}

/// A transition that its client may wait for.
class change final : public wire::Change::Server {
public:
  explicit change(kj::Promise<kj::Own<history_entry>> outcome)
      : outcome_(outcome
                     .then([](kj::Own<history_entry>&& e) {
                       return std::make_shared<const history_entry>(std::move(*e));
                     })
                     .fork()) {}

  kj::Promise<void> outcome(OutcomeContext call) override {
    return outcome_.addBranch().then([call](std::shared_ptr<const history_entry>&& e) mutable {
      write(*e, call.getResults().initEntry());
    });
  }

private:
  kj::ForkedPromise<std::shared_ptr<const history_entry>> outcome_;
};

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
    auto wanted = understand(read(call.getParams().getWanted()));
    auto drop_state = read_drop_state(call.getParams().getWanted());
    call.releaseParams();
    if (auto* mistakes = std::get_if<std::vector<failure>>(&wanted)) {
      transition_plan refused;
      refused.refusals = std::move(*mistakes);
      write(refused, call.getResults().initPlan());
      return kj::READY_NOW;
    }
    auto& target = std::get<wanted_graph>(wanted);
    return answer_of<transition_plan>(
               peer_, [&](auto done) { plan_what(target, std::move(done), std::move(drop_state)); })
        .then([call](kj::Own<transition_plan>&& plan) mutable {
          write(*plan, call.getResults().initPlan());
        });
  }

  kj::Promise<void> diff(DiffContext call) override {
    auto from = look_up(read(call.getParams().getFrom()));
    auto to = look_up(read(call.getParams().getTo()));
    call.releaseParams();
    transition_plan refused;
    for (auto* side : {&from, &to})
      if (auto* mistakes = std::get_if<std::vector<failure>>(side))
        refused.refusals.insert(refused.refusals.end(), mistakes->begin(), mistakes->end());
    if (refused.refused()) {
      write(refused, call.getResults().initPlan());
      return kj::READY_NOW;
    }
    return answer_of<transition_plan>(peer_,
                                      [&](auto done) {
                                        peer_->target.compare(
                                            std::move(std::get<compared_graph>(from)),
                                            std::move(std::get<compared_graph>(to)), done);
                                      })
        .then([call](kj::Own<transition_plan>&& plan) mutable {
          write(*plan, call.getResults().initPlan());
        });
  }

  kj::Promise<void> apply(ApplyContext call) override {
    auto order = read_order(call.getParams());
    call.releaseParams();
    return answer_of<history_entry>(
               peer_, [&](auto done) { hand_over(std::move(order), std::move(done), {}); })
        .then([call](kj::Own<history_entry>&& entry) mutable {
          write(*entry, call.getResults().initEntry());
        });
  }

  kj::Promise<void> begin(BeginContext call) override {
    auto order = read_order(call.getParams());
    call.releaseParams();
    kj::Maybe<kj::Promise<kj::Own<std::uint64_t>>> id;
    auto entry = answer_of<history_entry>(peer_, [&](auto done) {
      id = answer_of<std::uint64_t>(
          peer_, [&](auto begun) { hand_over(std::move(order), std::move(done), begun); });
    });
    KJ_IF_MAYBE (told, id) {
      return told->then([call, entry = kj::mv(entry)](kj::Own<std::uint64_t>&& known) mutable {
        call.getResults().setId(*known);
        call.getResults().setChange(kj::heap<change>(kj::mv(entry)));
      });
    }
    return entry.ignoreResult();
  }

  kj::Promise<void> cancel(CancelContext call) override {
    const auto asked = call.getParams();
    cancel_request which{asked.getId(), asked.getAll(), peer_->who.name()};
    return answer_of<std::vector<cancel_answer>>(
               peer_, [&](auto done) { peer_->target.cancel(std::move(which), std::move(done)); })
        .then([call](kj::Own<std::vector<cancel_answer>>&& answers) mutable {
          codec::write_list(
              *answers, [&](unsigned n) { return call.getResults().initAnswers(n); },
              [](const cancel_answer& one, wire::CancelAnswer::Builder b) {
                b.setId(one.id);
                b.setRefusal(one.refusal);
              });
        });
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

  kj::Promise<void> checkpoints(CheckpointsContext call) override {
    return answer_of<checkpoint_listing>(
               peer_, [&](auto done) { peer_->target.checkpoints(std::move(done)); })
        .then([call](kj::Own<checkpoint_listing>&& found) mutable {
          write(*found, call.getResults());
        });
  }

  kj::Promise<void> policies(PoliciesContext call) override {
    const auto all = peer_->target.policies().list();
    codec::write_list(
        all, [&](unsigned n) { return call.getResults().initList(n); },
        [](const policy_status& one, wire::Policy::Builder b) { write(one, b); });
    return kj::READY_NOW;
  }

  kj::Promise<void> pausePolicies(PausePoliciesContext call) override {
    const auto asked = call.getParams();
    std::vector<std::string> names;
    for (const auto one : asked.getNames()) names.push_back(codec::text(one));
    const auto answers =
        peer_->target.policies().pause(names, asked.getPaused(), peer_->who.name());
    codec::write_list(
        answers, [&](unsigned n) { return call.getResults().initAnswers(n); },
        [](const policy_answer& one, wire::PolicyAnswer::Builder b) {
          b.setName(one.name);
          b.setRefusal(one.refusal);
        });
    return kj::READY_NOW;
  }

  kj::Promise<void> trace(TraceContext call) override {
    const auto asked = call.getParams();
    constexpr auto longest_delay = std::chrono::hours(1);
    constexpr std::size_t longest_arc = 2000;
    const auto refuse = [&](const char* why) -> kj::Promise<void> {
      call.getResults().initTracing().setRefused(why);
      return kj::READY_NOW;
    };
    if (asked.getArc().size() > longest_arc)
      return refuse("no arc has such a long name; `instarctl graph` lists them");
    if (asked.getDelayNs() > nanoseconds_of(longest_delay))
      return refuse("a delay is at most 1h; give a shorter one");
    if (!(asked.getDrop() >= 0 && asked.getDrop() <= 1))
      return refuse("what is dropped is a probability, 0 to 1");
    if (asked.getDeadlineNs() > nanoseconds_of(longest_deadline))
      return refuse("a deadline is at most 24h; give a shorter one");
    trace_wish wish{asked.getArc().cStr(), std::chrono::nanoseconds(asked.getDelayNs()),
                    asked.getDrop(), asked.getSeed(),
                    std::chrono::nanoseconds(asked.getDeadlineNs())};
    return peer_->traces.begin(std::move(wish), asked.getSink(), peer_,
                               call.getResults().initTracing());
  }

private:
  using understood = std::variant<wanted_graph, std::vector<failure>>;
  struct order {
    understood wanted;
    std::chrono::nanoseconds deadline{0};
    consent drop_state{};
  };

  understood understand(wanted_change wanted) const {
    if (auto* updates = std::get_if<std::vector<operator_update>>(&wanted))
      return wanted_graph(std::move(*updates));
    if (const auto* back = std::get_if<rollback_to>(&wanted)) return wanted_graph(*back);
    if (std::holds_alternative<checkpoint_wish>(wanted)) return wanted_graph(checkpoint_wish{});
    auto file = peer_->options.read_graph(std::get<graph_text>(wanted));
    if (!file.mistakes.empty()) return std::move(file.mistakes);
    return wanted_graph(std::move(file.content));
  }

  std::variant<compared_graph, std::vector<failure>> look_up(named_graph named) const {
    if (const auto* epoch = std::get_if<epoch_t>(&named)) return compared_graph(*epoch);
    const auto* text = std::get_if<graph_text>(&named);
    if (!text) return compared_graph();
    auto file = peer_->options.read_graph(*text);
    if (!file.mistakes.empty()) return std::move(file.mistakes);
    return compared_graph(std::move(file.content));
  }

  template <class Params>
  order read_order(Params params) const {
    const auto asked = params.getDeadlineNs();
    if (asked > nanoseconds_of(longest_deadline))
      return {
          std::vector<failure>{{errc::bad_input, "a deadline is at most 24h; give a shorter one"}}};
    return {understand(read(params.getWanted())), std::chrono::nanoseconds(asked),
            read_drop_state(params.getWanted())};
  }

  void plan_what(wanted_graph& wanted, std::function<void(transition_plan)> done,
                 consent drop_state) const {
    auto& of = peer_->target;
    if (auto* updates = std::get_if<std::vector<operator_update>>(&wanted))
      return of.plan(std::move(*updates), std::move(done), std::move(drop_state));
    if (const auto* back = std::get_if<rollback_to>(&wanted))
      return of.plan(*back, std::move(done), std::move(drop_state));
    of.plan(std::move(std::get<instar::graph>(wanted)), std::move(done), std::move(drop_state));
  }

  void hand_over(order given, std::function<void(history_entry)> done,
                 service::accepted begun) const {
    auto& to = peer_->target;
    auto who = peer_->who.name();
    if (const auto* mistakes = std::get_if<std::vector<failure>>(&given.wanted)) {
      if (begun) begun(0);
      return done(refusal(*peer_, *mistakes));
    }
    auto& wanted = std::get<wanted_graph>(given.wanted);
    if (auto* updates = std::get_if<std::vector<operator_update>>(&wanted))
      return to.update(std::move(*updates), std::move(who), given.deadline, std::move(done),
                       std::move(begun), std::move(given.drop_state));
    if (const auto* back = std::get_if<rollback_to>(&wanted))
      return to.rollback(*back, std::move(who), given.deadline, std::move(done), std::move(begun),
                         std::move(given.drop_state));
    if (std::holds_alternative<checkpoint_wish>(wanted))
      return to.checkpoint(std::move(who), given.deadline, std::move(done), std::move(begun));
    to.apply({std::move(std::get<instar::graph>(wanted)), std::move(who), given.deadline,
              std::move(given.drop_state)},
             std::move(done), std::move(begun));
  }

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
