#pragma once

#include "actors/call_ports.hpp"
#include "actors/context.hpp"
#include "actors/metrics.hpp"
#include "actors/operator_type.hpp"
#include "actors/settings.hpp"
#include "transfer/state.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace instar {

/// An operator's side of a call port: serves there, hands over without losing a call, and shows
/// what callers have counted as own metrics.
///
///   void on_start(context& ctx) override { seat_.serve<counter>(ctx, object_, metrics); }
///   void on_timer(context& ctx, std::uint64_t token) override { seat_.on_timer(ctx, token); }
///   std::optional<std::string> not_yet(context& ctx, cut_purpose) override
///     { return seat_.not_yet(ctx); }
///   void* give_native() noexcept override { seat_.close(); … }
///   void save(state_writer& to) const override { seat_.close_for(to.purpose()); … }
///
/// Handed over as an object, calls wait from the commit until the successor has it. In a saved
/// state they wait from the cut on, since what they would do then would be in nobody's state; after
/// a rollback they go on.
///
/// Declare it after the object that is called: that must outlive it.
class call_seat {
public:
  static constexpr setting_type port_setting{"port", setting_kind::text, "", false,
                                             "by which callers know it; else by its own name"};
  static constexpr setting_type observe_setting{"observe_every", setting_kind::duration, "10ms",
                                                false,
                                                "how often its metrics are brought up to date"};

  explicit call_seat(const settings& values);
  call_seat(const call_seat&) = delete;
  call_seat& operator=(const call_seat&) = delete;
  /// Waits for calls that last. If nobody has taken over, nobody serves from now on.
  ~call_seat();

  /// From now on calls go to `object`. `counted[i]` describes what callers count as kind `i`.
  template <class Interface>
  void serve(context& ctx, Interface& object, std::vector<metric_description> counted) {
    auto& all = ctx.host<call_ports>();
    begin(ctx, all.port<Interface>(port_name_.empty() ? ctx.name() : port_name_), &object,
          std::move(counted));
  }

  /// Returns whether the timer was the seat's.
  bool on_timer(context& ctx, std::uint64_t token);

  /// A call that does not return keeps the operator from its cut.
  std::optional<std::string> not_yet(context& ctx);

  /// No call lasts any more, and those that come wait.
  void close() const noexcept;
  void close_for(save_purpose what) const noexcept {
    if (what != save_purpose::checkpoint) close();
  }

private:
  void begin(context& ctx, std::shared_ptr<call_port> at, void* object,
             std::vector<metric_description> counted);
  void show();

  const std::string port_name_;
  const std::chrono::nanoseconds observe_every_;
  std::shared_ptr<call_port> port_;
  std::shared_ptr<own_metrics> metrics_;
  metrics::shown shown_;
  std::vector<std::uint64_t> seen_;
  std::uint64_t tick_ = 0; // token of its timer, that of no other instance
  bool returns_ = false;   // a timer is set after which it looks whether it still serves
};

} // namespace instar
