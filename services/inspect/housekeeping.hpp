#pragma once

#include "actors/blocking_operator.hpp"
#include "actors/settings.hpp"
#include "inspect_state.capnp.h"
#include "services/blocking/common_settings.hpp"
#include "services/inspect/clock.hpp"
#include "services/inspect/counts.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

namespace instar::inspect {

/// Tells others now and then to let go of what they do not need any more.
class housekeeping final : public blocking_operator {
public:
  static constexpr out_port<record_of<wire::Tick>> out{0, "ticks"};
  static constexpr operator_type type{
      .name = "inspect.housekeeping",
      .version = 1,
      .help = "has others let go of what they do not need any more",
      .outputs = {out},
      .state_schema = capnp::typeId<HousekeepingState>(),
      .state_version = 1,
      .settings = {{"every", setting_kind::duration, "1s", false, "between two times"},
                   blocking::interruptible_setting}};

  explicit housekeeping(const settings& values)
      : blocking_operator(blocking::rest_of(values)),
        every_(std::max<std::chrono::nanoseconds>(values.duration("every"),
                                                  std::chrono::milliseconds(1))),
        due_(steady::now() + every_) {}

  void run(blocking_context& ctx) override {
    while (true) {
      ctx.sleep_until(due_);
      due_ = std::max(due_ + every_, steady::now()); // what was missed is not made up for
      auto made = make_payload<record>();
      made->init<wire::Tick>().setNumber(++ticks_);
      ctx.emit(out, std::move(made));
    }
  }

  void save(state_writer& into) const override {
    auto state = into.init<HousekeepingState>();
    state.setTicks(ticks_);
    state.setDueNs(left_until(due_));
  }
  void restore(context&, state_reader& from) override {
    const auto state = from.root<HousekeepingState>();
    ticks_ = state.getTicks();
    due_ = from_now(state.getDueNs(), every_);
  }

private:
  const std::chrono::nanoseconds every_;
  steady::time_point due_;
  std::uint64_t ticks_ = 0;
};

} // namespace instar::inspect
