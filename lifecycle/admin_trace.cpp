#include "lifecycle/admin_trace.hpp"

#include "lifecycle/admin_promise.hpp"
#include "lifecycle/admin_session.hpp"
#include "lifecycle/loops.hpp"
#include "lifecycle/service.hpp"
#include "lifecycle/trace_tap.hpp"
#include "transfer/kj_text.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace instar {

namespace {

constexpr auto look_interval = 50 * kj::MILLISECONDS;
constexpr auto retry_interval = 1 * kj::SECONDS;
constexpr std::size_t most_at_once = 4096; ///< headers in a message

void write(const trace_totals& from, wire::TraceTotals::Builder to) {
  to.setPackets(from.packets);
  to.setDropped(from.dropped);
  to.setLeftOut(from.left_out);
}

bool runs(const service_status& s, const std::string& op) {
  return std::any_of(s.operators.begin(), s.operators.end(),
                     [&](const operator_status& o) { return o.name == op; });
}

bool on_a_loop(const graph& g, const arc_node& a) {
  const auto cycles = find_cycles(g);
  const auto group_of = [&](const std::string& name) {
    const auto* op = g.find(name);
    return op ? cycles.of[static_cast<std::size_t>(op - g.operators.data())] : cycle_groups::none;
  };
  return group_of(a.from) != cycle_groups::none && group_of(a.from) == group_of(a.to);
}

} // namespace

struct trace_desk::trace {
  std::string op;  ///< on the arc
  std::string arc; ///< its full name; empty until it is known
  std::string who;
  std::shared_ptr<admin_peer> peer;
  std::shared_ptr<trace_box> box;
  wire::TraceSink::Client sink;
  kj::ForkedPromise<void> over;
  kj::Own<kj::PromiseFulfiller<void>> ended;
  std::chrono::nanoseconds delay;      ///< of each packet
  std::chrono::nanoseconds since_1970; ///< of the moment at which the steady clock was at 0
  bool ordered = false;                ///< the operator was asked for
  bool ending = false;                 ///< is being taken off
  bool ordered_off = false;            ///< asked for, no outcome yet
  bool off = false;
  bool deaf = false;     ///< the sink takes nothing any more
  std::string removed{}; ///< by whom, if it was somebody else
};

/// A client's interest in a trace: with the last one the operator is taken off.
class trace_desk::claim {
public:
  claim(std::weak_ptr<trace_desk> desk, trace_ptr t)
      : desk_(std::move(desk)), trace_(std::move(t)) {
    ++trace_->peer->open_requests;
  }
  claim(const claim&) = delete;
  claim& operator=(const claim&) = delete;
  ~claim() {
    --trace_->peer->open_requests;
    if (const auto desk = desk_.lock()) desk->end(trace_);
  }

  const trace_ptr& what() const { return trace_; }

private:
  const std::weak_ptr<trace_desk> desk_;
  const trace_ptr trace_;
};

class trace_desk::handle final : public wire::Trace::Server {
public:
  handle(std::weak_ptr<trace_desk> desk, std::shared_ptr<claim> held)
      : desk_(std::move(desk)), held_(std::move(held)) {}

  kj::Promise<void> stop(StopContext call) override {
    const auto& t = held_->what();
    if (const auto desk = desk_.lock()) desk->end(t);
    return t->over.addBranch().then(
        [call, t]() mutable { write(t->box->totals(), call.getResults().initTotals()); });
  }

private:
  const std::weak_ptr<trace_desk> desk_;
  const std::shared_ptr<claim> held_;
};

trace_desk::trace_desk(service& target, kj::Timer& timer)
    : target_(target), timer_(timer), tasks_(*this) {}

trace_desk::~trace_desk() noexcept(false) {
  for (auto& [name, t] : traces_) {
    if (t->ordered && !t->ordered_off && !t->off && !t->box->abandoned())
      target_.edit({{}, {name}}, t->who, patience(), [](history_entry) {});
    target_.traces().close(name);
  }
}

// -- putting on -----------------------------------------------------------------------------------

kj::Promise<void> trace_desk::begin(trace_wish wish, wire::TraceSink::Client sink,
                                    std::shared_ptr<admin_peer> peer,
                                    wire::Tracing::Builder answer) {
  if (traces_.size() >= most_traces) {
    answer.setRefused("there are " + std::to_string(most_traces) +
                      " traces already, which is the limit; end one of them");
    return kj::READY_NOW;
  }
  auto over = kj::newPromiseAndFulfiller<void>();
  using namespace std::chrono;
  const auto name = "trace:" + std::to_string(++last_); // no operator of a file has such a name
  auto t = std::make_shared<trace>(
      trace{name,
            {},
            peer->who.name(),
            peer,
            target_.traces().open(name),
            kj::mv(sink),
            over.promise.fork(),
            kj::mv(over.fulfiller),
            wish.delay,
            system_clock::now().time_since_epoch() - steady_clock::now().time_since_epoch()});
  traces_.emplace(name, t);
  // Goes on when the client goes away: what was put on has to be taken off.
  auto outcome = put_on(t, std::move(wish)).fork();
  tasks_.add(outcome.addBranch().ignoreResult());
  return outcome.addBranch().then([this, t, answer](begun&& done) mutable {
    answer.setArc(t->arc);
    answer.setOperator(t->op);
    if (done.refusal.empty())
      answer.setTrace(kj::heap<handle>(weak_from_this(), std::move(done.claimed)));
    else answer.setRefused(done.refusal);
  });
}

kj::Promise<trace_desk::begun> trace_desk::put_on(trace_ptr t, trace_wish wish) {
  const auto refuse = [this, t](std::string why) {
    forget(*t);
    return begun{std::move(why), nullptr};
  };
  return promised<graph>([this](auto done) { target_.current_graph(std::move(done)); })
      .then([this, t, refuse, wish](kj::Own<graph>&& running) -> kj::Promise<begun> {
        auto edit = plan(*t, wish, *running);
        if (!edit) return kj::evalLater([=, why = edit.error().message] { return refuse(why); });
        t->ordered = true;
        return promised<history_entry>([&](auto done) {
                 target_.edit(*std::move(edit), t->who, wish.deadline, std::move(done));
               })
            .then([this, t, refuse](kj::Own<history_entry>&& e) {
              if (e->outcome != transition_outcome::committed)
                return refuse(std::string(to_string(e->outcome)) + ": " + e->reason);
              tasks_.add(pump(t));
              return begun{{}, std::make_shared<claim>(weak_from_this(), t)};
            });
      })
      .catch_([refuse](kj::Exception&& e) {
        return refuse("the service did not answer: " + one_line(e));
      });
}

result<graph_edit> trace_desk::plan(trace& t, const trace_wish& wish, const graph& running) const {
  const auto arc = find(running, wish.arc);
  if (!arc) return arc.error();
  t.arc = (*arc)->name();
  if (wish.delay.count() > 0 && on_a_loop(running, **arc))
    return failure{errc::refused, "the arc " + t.arc +
                                      " is on a loop: packets that are delayed would keep it from "
                                      "being emptied; trace it without a delay"};
  operator_node op;
  op.name = t.op;
  op.type = trace_tap::type.name;
  op.version = trace_tap::type.version;
  op.values.set("delay", std::to_string(wish.delay.count()) + "ns");
  op.values.set("drop", wish.drop);
  op.values.set("seed", static_cast<std::int64_t>(wish.seed));
  op.values.set("held", static_cast<std::int64_t>((*arc)->capacity));
  return graph_edit{{{t.arc, std::move(op), "in", "out"}}, {}};
}

/// An arc that is traced is not there: says so, and what is.
result<const arc_node*> trace_desk::find(const graph& running, const std::string& arc) const {
  auto found = find_arc(running, arc);
  if (found) return found;
  graph traced;
  std::vector<const trace*> by;
  for (const auto& [name, t] : traces_) {
    const auto arrow = t->arc.find(" -> ");
    if (arrow == std::string::npos || !running.find(name)) continue;
    const auto from = t->arc.substr(0, arrow), to = t->arc.substr(arrow + 4);
    const auto dot = from.find('.'), to_dot = to.find('.');
    arc_node a;
    a.from = from.substr(0, dot);
    a.from_port = from.substr(dot + 1);
    a.to = to.substr(0, to_dot);
    a.to_port = to.substr(to_dot + 1);
    traced.arcs.push_back(std::move(a));
    by.push_back(t.get());
  }
  const auto was = find_arc(traced, arc);
  if (!was) return found;
  const auto& t = *by[static_cast<std::size_t>(*was - traced.arcs.data())];
  std::string halves;
  for (const auto& a : running.arcs)
    if (a.to == t.op || a.from == t.op) halves += (halves.empty() ? "'" : " or '") + a.name() + "'";
  return failure{errc::refused, "the arc " + t.arc + " is traced already, by " + t.who +
                                    "; trace one of its halves: " + halves};
}

// -- while it is on -------------------------------------------------------------------------------

kj::Promise<void> trace_desk::pause_and_pump(trace_ptr t) {
  return timer_.afterDelay(look_interval).then([this, t = std::move(t)]() mutable {
    return pump(std::move(t));
  });
}

/// Sends what has come, for as long as the operator is on its arc; one message at a time.
kj::Promise<void> trace_desk::pump(trace_ptr t) {
  const bool last = t->off; // nothing comes after what is there now
  const auto headers = t->box->take(most_at_once);
  if (!headers.empty() && !t->deaf) {
    const bool more = headers.size() == most_at_once || last;
    return send(*t, headers)
        .then([] {},
              [this, t](kj::Exception&&) {
                t->deaf = true;
                end(t);
              })
        .then([this, t, more] { return more ? pump(t) : pause_and_pump(t); });
  }
  if (last) {
    finish(*t);
    return kj::READY_NOW;
  }
  if (t->box->abandoned() && !t->ending) return find_who_removed(t);
  return pause_and_pump(std::move(t));
}

kj::Promise<void> trace_desk::send(trace& t, const std::vector<packet_header>& headers) {
  auto request = t.sink.packetsRequest();
  auto list = request.initHeaders(static_cast<unsigned>(headers.size()));
  for (std::size_t i = 0; i < headers.size(); ++i) {
    const auto& h = headers[i];
    auto to = list[static_cast<unsigned>(i)];
    to.setWhenNs((h.when.time_since_epoch() + t.since_1970).count());
    to.setGapNs(h.gap.count());
    to.setKey(h.key);
    to.setPayload(kj::StringPtr(std::string(h.payload)));
    to.setDropped(h.dropped);
  }
  return request.send().ignoreResult();
}

/// The operator is off, and everything has been sent.
void trace_desk::finish(trace& t) {
  if (!t.removed.empty() && !t.deaf) {
    auto request = t.sink.endedRequest();
    request.setReason(t.removed);
    write(t.box->totals(), request.initTotals());
    tasks_.add(request.send().ignoreResult().catch_([](kj::Exception&&) {}));
  }
  t.ended->fulfill();
  forget(t);
}

/// No instance of the operator is left: somebody else's transition has removed it, unless it is
/// just being restarted.
kj::Promise<void> trace_desk::find_who_removed(trace_ptr t) {
  return promised<service_status>([this](auto done) { target_.status(std::move(done)); })
      .then([this, t](kj::Own<service_status>&& s) -> kj::Promise<void> {
        if (runs(*s, t->op)) return pause_and_pump(t);
        t->ending = t->off = true;
        if (s->phase != "running") {
          t->removed = "the service is stopping";
          return pump(t);
        }
        return promised<std::vector<history_entry>>(
                   [this](auto done) { target_.history(std::move(done)); })
            .then([this, t](kj::Own<std::vector<history_entry>>&& entries) {
              t->removed = "it was removed";
              for (const auto& e : *entries)
                if (e.outcome == transition_outcome::committed)
                  t->removed = "transition " + std::to_string(e.id) + " of " + e.who +
                               " has removed it: " + e.what;
              return pump(t);
            });
      })
      .catch_([this, t](kj::Exception&&) {
        t->ending = t->off = true;
        t->removed = "the service has ended";
        return pump(t);
      });
}

/// The deadline for taking an operator off: packets that are held leave first, also those of other
/// traces.
std::chrono::nanoseconds trace_desk::patience() const {
  std::chrono::nanoseconds all = std::chrono::seconds(5);
  for (const auto& [name, t] : traces_) all += t->delay;
  return all;
}

// -- taking off -----------------------------------------------------------------------------------

void trace_desk::end(const trace_ptr& t) {
  if (std::exchange(t->ending, true)) return;
  if (t->box->abandoned()) tasks_.add(look_after(t, "its operator restarts"));
  else tasks_.add(take_off(t));
}

kj::Promise<void> trace_desk::take_off(trace_ptr t) {
  t->ordered_off = true;
  return promised<history_entry>([&](auto done) {
           target_.edit({{}, {t->op}}, t->who, patience(), std::move(done));
         })
      .then([this, t](kj::Own<history_entry>&& e) -> kj::Promise<void> {
        if (e->outcome != transition_outcome::committed) return look_after(t, e->reason);
        t->off = true;
        return kj::READY_NOW;
      })
      .catch_([t](kj::Exception&& e) {
        spdlog::warn("admin: {} is left on {}: {}", t->op, t->arc, one_line(e));
        t->off = true;
      });
}

/// It could not be taken off: for now, or because it is gone.
kj::Promise<void> trace_desk::look_after(trace_ptr t, std::string refusal) {
  t->ordered_off = false;
  return promised<service_status>([this](auto done) { target_.status(std::move(done)); })
      .then([this, t, refusal](kj::Own<service_status>&& s) -> kj::Promise<void> {
        if (!runs(*s, t->op) || s->phase != "running") {
          t->off = true;
          return kj::READY_NOW;
        }
        spdlog::warn("admin: {} cannot be taken off {} yet, trying again: {}", t->op, t->arc,
                     refusal);
        return timer_.afterDelay(retry_interval).then([this, t] { return take_off(t); });
      })
      .catch_([t](kj::Exception&&) { t->off = true; }); // the service has ended
}

void trace_desk::forget(trace& t) {
  target_.traces().close(t.op);
  traces_.erase(std::string(t.op));
}

void trace_desk::taskFailed(kj::Exception&& e) {
  spdlog::warn("admin: a trace failed: {}", one_line(e));
}

} // namespace instar
