#pragma once

#include "actors/status.hpp"
#include "lifecycle/policy_rule.hpp"
#include "lifecycle/policy_status.hpp"
#include "lifecycle/policy_window.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace instar {

/// Which side of a rule runs.
enum class policy_place : std::uint8_t { home, there, elsewhere };
const char* to_string(policy_place place);

/// By what runs, not by what was asked for; `elsewhere` says more in `why`.
struct seen_place {
  policy_place place = policy_place::home;
  std::string why;
};
seen_place place_in(const policy_rule& rule, const service_status& now);

/// What goes over to the policy after it; times as so long ago.
struct policy_memory {
  struct event {
    std::chrono::nanoseconds age{0};
    policy_event what; ///< but for `when`
  };
  bool paused = false;
  std::string paused_by;
  bool paused_setting = false;                     ///< what the settings said
  std::vector<std::chrono::nanoseconds> changes;   ///< its own ones within the last hour
  std::optional<std::chrono::nanoseconds> changed; ///< when anybody changed the place
  std::uint32_t refusals = 0;
  std::chrono::nanoseconds retry_in{0};
  std::optional<policy_place> asked; ///< for which side; no outcome yet
  std::vector<event> events;
};

/// Decides when to ask for a transition. It is fed what was measured, and the time, and does
/// nothing by itself: no clock, no thread, no service.
///
/// What it promises stands in POLICIES.md.
class policy {
public:
  using time_point = std::chrono::steady_clock::time_point;

  explicit policy(policy_rule rule);

  const policy_rule& rule() const { return rule_; }

  struct request {
    policy_place to;
    policy_action action;
    std::string cause; ///< for people
  };
  /// One look: `readings` by number of the rule's metrics. What is returned is on its way from now
  /// on, until `on_outcome`; looks before that change nothing.
  std::optional<request> look(time_point now, std::vector<metric_reading> readings,
                              const seen_place& seen);

  void on_outcome(time_point now, const history_entry& outcome);
  /// What was asked for was not handed on after all.
  void withdraw(const std::string& why);

  /// Paused it measures, and asks for nothing.
  void pause(time_point now, bool paused, const std::string& who);
  bool paused() const { return paused_; }
  const std::string& paused_by() const { return paused_by_; }
  bool waits_for_outcome() const { return asked_.has_value(); }

  policy_memory save(time_point now) const;
  /// Of one with another rule, too. Before the first look.
  void restore(time_point now, policy_memory from);

  /// `wall`: the same moment as `now`.
  policy_status status(time_point now, std::chrono::system_clock::time_point wall) const;
  /// Why a metric cannot be read, once that has lasted, and once. For the log.
  std::optional<std::string> take_trouble();

private:
  struct event {
    time_point at;
    policy_event what;
  };

  const policy_way* way() const;
  void note(time_point now, policy_event what);
  void note_place(time_point now, const seen_place& seen);
  void arrive(time_point now, policy_place at);
  void measure();
  void look_for_trouble();
  void refuse(time_point now);
  policy_event* open_event();
  std::string obstacle(time_point now) const;
  std::string hour_obstacle(time_point now) const;
  std::size_t changes_within_hour(time_point now) const;
  std::string cause(time_point now) const;

  const policy_rule rule_;
  std::vector<metric_window> windows_;
  std::optional<policy_place> place_;
  std::string elsewhere_;
  std::vector<policy_measure> measures_; // of the condition that counts now
  bool valued_ = false;                  // all of them have values
  std::optional<time_point> since_;      // it holds
  std::string state_ = "it has not looked yet";
  std::optional<policy_place> asked_; // for which side; no outcome yet
  std::deque<time_point> changes_;
  std::optional<time_point> changed_;
  std::uint32_t refusals_ = 0;
  std::optional<time_point> retry_at_;
  bool paused_ = false;
  std::string paused_by_;
  std::deque<event> events_;
  std::string trouble_, told_trouble_;
  unsigned troubled_looks_ = 0; // one after the other
};

} // namespace instar
