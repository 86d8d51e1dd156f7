#pragma once

#include "actors/blocking_operator.hpp"
#include "actors/doorbell.hpp"
#include "actors/inlet.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace instar::test {

/// An operator whose `run` is the test's.
class scripted_blocking : public blocking_operator {
public:
  using work = std::function<void(blocking_context&)>;

  explicit scripted_blocking(work run, rest_place rests = rest_place::out_of_run)
      : blocking_operator(rests), run_(std::move(run)) {}

  void run(blocking_context& ctx) override { run_(ctx); }
  bool left_over(std::size_t port, packet& p) override {
    return keeps && keeps(port, p, removed());
  }

  std::function<bool(std::size_t, packet&, bool)> keeps;

private:
  const work run_;
};

/// What an actor does for a blocking operator, step by step and on the test's own thread.
class driven_operator final : private context {
public:
  explicit driven_operator(scripted_blocking::work run, rest_place rests = rest_place::out_of_run)
      : made_(std::make_unique<scripted_blocking>(std::move(run), rests)), is_(*made_) {
    is_.on_start(*this);
  }
  ~driven_operator() { CHECK(is_.at_end()); }

  scripted_blocking& op() { return *made_; }

  /// One activation: timers that are due, events, then packets.
  void activate(std::vector<std::pair<std::size_t, packet>> packets = {}) {
    const auto due = std::exchange(timers_, {});
    for (const auto& [id, timer] : due)
      if (timer.first > std::chrono::steady_clock::now()) timers_.emplace(id, timer);
      else is_.on_timer(*this, timer.second);
    std::vector<event> events;
    inlet_->take(events);
    for (auto& e : events) try {
        is_.on_events(*this, std::span(&e, 1));
      } catch (const std::exception& thrown) {
        this->thrown.emplace_back(thrown.what());
      }
    for (auto& [port, p] : packets) is_.on_packet(*this, port, std::move(p));
    is_.on_activation_end(*this);
  }

  /// The markers have been sent.
  void cut_ahead() { is_.on_cut_ahead(*this); }
  /// Once, at its cut.
  std::optional<std::string> ask(cut_purpose purpose = cut_purpose::hand_over) {
    activate();
    return is_.not_yet(*this, purpose);
  }
  /// The same for an actor whose output has no credit: it takes no events.
  std::optional<std::string> ask_blocked() { return is_.not_yet(*this, cut_purpose::hand_over); }
  /// Asks until it can be taken over; false if that takes ten seconds.
  bool rests(cut_purpose purpose = cut_purpose::hand_over) {
    return until([&] { return !ask(purpose); });
  }
  void go_on() { is_.on_go_on(*this); }

  /// Activates until it is so; false if that takes ten seconds.
  template <class So>
  bool until(So&& so) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!so()) {
      if (std::chrono::steady_clock::now() > end) return false;
      activate();
      std::this_thread::yield();
    }
    return true;
  }

  bool nothing_set() const { return timers_.empty(); }

  std::vector<std::pair<std::size_t, packet>> emitted;
  std::vector<std::string> logged, thrown;
  std::string stopped;
  keeping kept = keeping::nothing;
  host_resources offers;

private:
  void emit_packet(std::size_t output, packet p) override {
    emitted.emplace_back(output, std::move(p));
  }
  std::uint64_t request_packet(std::size_t, payload_ptr<payload>, std::chrono::nanoseconds,
                               std::uint64_t) override {
    throw std::logic_error("does not ask");
  }
  void answer_packet(std::size_t, std::uint64_t, payload_ptr<payload>) override {}
  std::uint64_t set_timer(std::chrono::nanoseconds delay, std::uint64_t token) override {
    timers_.emplace(++last_timer_, std::pair(std::chrono::steady_clock::now() + delay, token));
    return last_timer_;
  }
  void cancel_timer(std::uint64_t id) override { timers_.erase(id); }
  void run_blocking(std::function<void()>, std::function<void(context&)>) override {}
  void log(log_level, std::string_view line) override { logged.emplace_back(line); }
  const std::shared_ptr<inlet>& events() override { return inlet_; }
  std::string_view name() const override { return "an operator with a long name"; }
  epoch_t epoch() const override { return 7; }
  void stop_service(std::string_view reason) override { stopped = reason; }
  void* host_resource(std::string_view name) override { return offers.at(std::string(name)); }
  const host_resources* offered() const override { return &offers; }
  void keep(keeping what) override { kept = what; }

  std::shared_ptr<inlet> inlet_ = std::make_shared<inlet>(std::make_shared<doorbell>());
  std::map<std::uint64_t, std::pair<std::chrono::steady_clock::time_point, std::uint64_t>> timers_;
  std::uint64_t last_timer_ = 0;
  std::unique_ptr<scripted_blocking> made_;
  operator_base& is_; // by which the actor's calls are public
};

} // namespace instar::test
