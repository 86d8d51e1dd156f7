#pragma once

#include "actors/context.hpp"
#include "actors/doorbell.hpp"
#include "actors/operator.hpp"
#include "actors/packet.hpp"
#include "services/net/reactor.hpp"
#include "transfer/state.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace instar::test {

/// A context that records what an operator asks for.
class fake_context final : public context {
public:
  explicit fake_context(net::reactor& sockets) {
    resources.emplace(net::reactor::resource_name, &sockets);
  }

  void emit_packet(std::size_t output, packet p) override {
    emitted.emplace_back(output, std::move(p));
  }
  std::uint64_t request_packet(std::size_t output, payload_ptr<payload> body,
                               std::chrono::nanoseconds, std::uint64_t) override {
    emitted.emplace_back(output, packet{std::move(body), ++requests});
    return requests;
  }
  void answer_packet(std::size_t output, std::uint64_t request,
                     payload_ptr<payload> body) override {
    emitted.emplace_back(output, packet{std::move(body), request});
  }
  std::uint64_t set_timer(std::chrono::nanoseconds delay, std::uint64_t token) override {
    timers.emplace_back(delay, token);
    return timers.size();
  }
  void cancel_timer(std::uint64_t) override {}
  void run_blocking(std::function<void()> work, std::function<void(context&)> done) override {
    if (later) return jobs_.emplace_back(std::move(work), std::move(done)), void();
    work();
    done(*this);
  }
  /// Does the oldest work that waits, if `later` was set. Returns whether there was any.
  bool work_now() {
    if (jobs_.empty()) return false;
    const auto [work, done] = std::move(jobs_.front());
    jobs_.pop_front();
    work();
    done(*this);
    return true;
  }
  void log(log_level, std::string_view line) override { logged.emplace_back(line); }
  const std::shared_ptr<inlet>& events() override { return inlet_; }
  std::string_view name() const override { return "tested"; }
  epoch_t epoch() const override { return 1; }
  const host_resources* offered() const override { return &resources; }
  void stop_service(std::string_view reason) override { stopped = reason; }

  /// What was emitted on output 0, as `T`; forgets it.
  template <class T>
  std::vector<payload_ptr<T>> take() {
    std::vector<payload_ptr<T>> out;
    for (auto& [port, p] : emitted) out.push_back(p.template take<T>());
    emitted.clear();
    return out;
  }

  /// Gives the operator the events that have come. Returns whether there were any.
  bool give_events(operator_base& to) {
    std::vector<event> events;
    if (!inlet_->take(events)) return false;
    to.on_events(*this, events);
    to.on_activation_end(*this);
    return true;
  }

  std::vector<std::pair<std::size_t, packet>> emitted;
  std::vector<std::pair<std::chrono::nanoseconds, std::uint64_t>> timers;
  std::vector<std::string> logged;
  std::string stopped;
  std::uint64_t requests = 0;
  bool later = false; ///< blocking work waits for `work_now`
  host_resources resources;

private:
  void* host_resource(std::string_view name) override { return resources.at(std::string(name)); }

  std::deque<std::pair<std::function<void()>, std::function<void(context&)>>> jobs_;
  std::shared_ptr<inlet> inlet_ = std::make_shared<inlet>(std::make_shared<doorbell>());
};

/// Calls `step` until it returns true; false if that takes more than five seconds.
template <class Step>
bool eventually(Step&& step) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (!step()) {
    if (std::chrono::steady_clock::now() > give_up) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

/// Saves `from` and restores it into `into`, through bytes, as another version would find it; that
/// claims what it needs then.
inline void hand_over(const operator_base& from, const operator_type& type, operator_base& into,
                      context& ctx) {
  state_writer writer(
      {std::string(type.name), type.version, type.state_schema, type.state_version});
  from.save(writer);
  const auto bytes = writer.finish().encode();
  const auto decoded = state::decode(bytes);
  if (!decoded) throw std::runtime_error(decoded.error().message);
  state_reader reader(decoded.value());
  into.restore(ctx, reader);
  into.claim(ctx);
}

} // namespace instar::test
