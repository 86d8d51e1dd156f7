#pragma once

#include "actors/blocking_operator.hpp"
#include "actors/record.hpp"
#include "actors/settings.hpp"
#include "monitor.capnp.h"
#include "services/blocking/common_settings.hpp"
#include "services/monitor/board.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

namespace instar::monitor {

/// Knows who is there: takes statuses, notices who has become silent, tells the poller whom to ask,
/// answers questions, and tells events to whoever watches.
class report : public blocking_operator {
public:
  static constexpr in_port<record_of<Status>> status_in{0, "status"};
  static constexpr in_port<record_of<Question>> question_in{1, "question"};
  static constexpr out_port<record_of<Targets>> targets_out{0, "targets"};
  static constexpr out_port<record_of<Answer>> answer_out{1, "answer"};
  static constexpr setting_type every_setting{"every", setting_kind::duration, "500ms", false,
                                              "how often it looks who is silent"};
  static constexpr setting_type silent_setting{"silent_after", setting_kind::duration, "3s", false,
                                               "who says nothing for so long counts as silent"};

  void run(blocking_context& ctx) final;
  bool left_over(std::size_t port, packet& p) final;
  void save(state_writer& into) const final;
  void restore(context& ctx, state_reader& from) final;

protected:
  report(const settings& values, double smoothing);

private:
  struct question {
    std::uint64_t client;
    std::string text;
  };
  void take(std::size_t port, const packet& p);
  void speak(blocking_context& ctx);
  void look(blocking_context& ctx);
  void tell(blocking_context& ctx, std::uint64_t client, const std::string& text);

  const std::chrono::nanoseconds every_;
  board board_;
  std::deque<question> asked_;       // not answered yet
  std::deque<std::string> happened_; // not told yet
  std::chrono::steady_clock::time_point due_{};
};

} // namespace instar::monitor
