#pragma once

#include "actors/blocking_operator.hpp"
#include "actors/settings.hpp"
#include "inspect_state.capnp.h"
#include "services/blocking/common_settings.hpp"
#include "services/inspect/clock.hpp"
#include "services/inspect/counts.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <string>

namespace instar::inspect {

/// Adds up what all operators count, writes it to the log now and then, and answers clients that
/// ask for it.
class statistics final : public blocking_operator {
public:
  static constexpr in_port<record_of<wire::Counts>> in{0, "counts"};
  static constexpr in_port<record_of<wire::Question>> questions{1, "questions"};
  static constexpr out_port<record_of<wire::Reply>> out{0, "answers"};
  static constexpr operator_type type{.name = "inspect.statistics",
                                      .version = 1,
                                      .help = "adds up what all operators count",
                                      .inputs = {in, questions},
                                      .outputs = {out},
                                      .state_schema = capnp::typeId<StatisticsState>(),
                                      .state_version = 1,
                                      .settings = {{"every", setting_kind::duration, "60s", false,
                                                    "a line in the log, if something has changed"},
                                                   blocking::interruptible_setting}};

  explicit statistics(const settings& values);

  void run(blocking_context& ctx) override;
  bool left_over(std::size_t port, packet& p) override;
  void save(state_writer& into) const override;
  void restore(context& ctx, state_reader& from) override;

private:
  void take(std::size_t port, const packet& p);
  void answer(blocking_context& ctx);
  std::string text() const;

  const std::chrono::nanoseconds every_;
  steady::time_point due_;
  counts counts_;
  bool changed_ = false;
  std::deque<std::uint64_t> asked_; ///< jobs
};

} // namespace instar::inspect
