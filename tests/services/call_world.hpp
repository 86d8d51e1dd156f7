#pragma once

#include "actors/call_ports.hpp"
#include "actors/metrics.hpp"
#include "actors/operator.hpp"
#include "actors/settings.hpp"

#include "services/fake_context.hpp"
#include "services/sockets.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace instar::test {

/// A host without a graph that has call ports.
struct call_world {
  struct shown_metrics final : metrics {
    observation look() override {
      observation seen;
      seen.own = own();
      return seen;
    }
  };

  driven_reactor sockets;
  call_ports ports;
  shown_metrics seen;
  fake_context ctx{sockets};

  call_world() {
    ctx.resources.emplace(call_ports::resource_name, &ports);
    ctx.resources.emplace(metrics::resource_name, static_cast<metrics*>(&seen));
  }

  /// As the graph's check completes them.
  static settings values(std::int64_t capacity = 1 << 20) {
    settings s;
    s.set("port", std::string("here"));
    s.set("observe_every", std::int64_t{1'000'000});
    s.set("capacity", capacity);
    return s;
  }

  template <class Operator>
  std::unique_ptr<Operator> made(std::int64_t capacity = 1 << 20) {
    return std::make_unique<Operator>(values(capacity));
  }
  template <class Operator>
  std::unique_ptr<Operator> started(std::int64_t capacity = 1 << 20) {
    auto op = made<Operator>(capacity);
    op->on_start(ctx);
    return op;
  }

  /// From one to the other as an object; the former one goes when the other serves.
  void give(std::unique_ptr<operator_base> from, operator_base& to) {
    to.take_native(from->give_native());
    to.on_start(ctx);
  }
  /// … as saved state.
  void save(std::unique_ptr<operator_base> from, const operator_type& type, operator_base& to) {
    hand_over(*from, type, to, ctx);
    to.on_start(ctx);
  }

  /// What it would save for a successor that never comes.
  template <class Operator>
  state saved(Operator& of) {
    if (auto reason = of.not_yet(ctx, cut_purpose::hand_over)) throw std::runtime_error(*reason);
    state_writer into({std::string(Operator::type.name), Operator::type.version,
                       Operator::type.state_schema, Operator::type.state_version});
    of.save(into);
    let_timers_run_out(of);
    return into.finish();
  }

  /// All its timers run out.
  void let_timers_run_out(operator_base& of) {
    for (const auto& [delay, token] : std::exchange(ctx.timers, {})) of.on_timer(ctx, token);
  }

  /// Of the own metrics that are shown; -1 if there is none of that name.
  double metric(std::string_view name) {
    for (const auto& of : seen.look().own)
      for (const auto& one : of.samples)
        if (one.what.name == name) return one.value;
    return -1;
  }
};

/// A thread for the time of a test; what it does has to end by itself.
class helper {
public:
  explicit helper(std::function<void()> work)
      : thread_([this, work = std::move(work)] {
          work();
          done_ = true;
        }) {}
  ~helper() { thread_.join(); }
  bool done() const { return done_; }

private:
  std::atomic<bool> done_{false};
  std::thread thread_; // the last: it uses the rest
};

} // namespace instar::test
