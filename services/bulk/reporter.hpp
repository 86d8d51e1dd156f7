#pragma once

#include "actors/blocking_operator.hpp"
#include "actors/descriptors.hpp"
#include "actors/record.hpp"
#include "actors/settings.hpp"
#include "bulk_messages.capnp.h"
#include "reporter_state.capnp.h"
#include "services/blocking/common_settings.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>

namespace instar::bulk {

/// Adds up what the receivers move, by intervals, and writes reports to who asks. A thread that
/// waits for the end of the interval.
class reporter : public blocking_operator {
public:
  static constexpr in_port<record_of<Moved>> moved{0, "moved"};
  static constexpr in_port<record_of<Asked>> asked{1, "asked"};
  static constexpr out_port<record_of<Returned>> returned{0, "returned"};
  static constexpr setting_type interval_setting{"interval", setting_kind::duration, "1s", false,
                                                 "what is added up together"};
  static constexpr setting_type keep_setting{"keep", setting_kind::integer, "60", false,
                                             "intervals in a report"};
  static constexpr setting_type write_timeout_setting{
      "write_timeout", setting_kind::duration, "10s", false, "for a client to take its report"};

  void run(blocking_context& ctx) final;
  bool left_over(std::size_t port, packet& p) final;
  void save(state_writer& into) const final;
  void restore(context& ctx, state_reader& from) final;

protected:
  using clock = std::chrono::steady_clock;

  struct interval {
    std::uint64_t number = 0, received = 0, sent = 0;
  };

  explicit reporter(const settings& values);

  const std::deque<interval>& intervals() const { return intervals_; }
  /// In seconds.
  double length() const { return std::chrono::duration<double>(length_).count(); }

  /// What this version says beside the numbers; lines.
  virtual std::string summary() const = 0;

private:
  struct question {
    std::uint64_t connection = 0;
    std::string text;
    clock::time_point since;
    std::shared_ptr<descriptor> peer = nullptr; // once it is looked for
  };

  void take(std::size_t port, const packet& p);
  void take_waiting(blocking_context& ctx);
  void close_intervals();
  void answer_all(blocking_context& ctx);
  bool answer(blocking_context& ctx, question& to);
  std::string report() const;

  const std::chrono::nanoseconds length_, write_timeout_;
  const std::size_t keep_;
  std::deque<interval> intervals_; // that have ended, the oldest first
  interval now_;
  clock::time_point ends_{};
  std::uint64_t total_received_ = 0, total_sent_ = 0;
  std::deque<question> asked_;
};

} // namespace instar::bulk
