#pragma once

#include "actors/call_seat.hpp"
#include "actors/operator.hpp"
#include "actors/settings.hpp"
#include "counter_state.capnp.h"
#include "services/counter/object.hpp"
#include "transfer/native_layout.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace instar::counting {

/// Serves a counter to the threads that have a `handle`. What the implementations share: each can
/// take over from each other.
template <class Implementation>
class serving final : public operator_base {
public:
  static constexpr operator_type type{
      .name = Implementation::type_name,
      .version = 1,
      .help = Implementation::help,
      .state_schema = capnp::typeId<CounterState>(),
      .state_version = 1,
      .settings = {call_seat::port_setting, call_seat::observe_setting},
      .native = {"counter.total", layout_of<total>()}};

  explicit serving(const settings& values) : seat_(values) {}

  void on_start(context& ctx) override { seat_.serve<object>(ctx, number_, object::metrics()); }
  void on_packet(context&, std::size_t, packet) override {}
  void on_timer(context& ctx, std::uint64_t token) override { seat_.on_timer(ctx, token); }
  std::optional<std::string> not_yet(context& ctx, cut_purpose) override {
    return seat_.not_yet(ctx);
  }

  void save(state_writer& into) const override {
    seat_.close_for(into.purpose());
    into.init<CounterState>().setValue(number_.sum());
  }
  void restore(context&, state_reader& from) override {
    number_.begin_at(from.root<CounterState>().getValue());
  }
  void* give_native() noexcept override {
    seat_.close();
    return new total{number_.sum()};
  }
  void take_native(void* given) noexcept override {
    const std::unique_ptr<total> from(static_cast<total*>(given));
    number_.begin_at(from->value);
  }

private:
  Implementation number_;
  call_seat seat_;
};

} // namespace instar::counting
