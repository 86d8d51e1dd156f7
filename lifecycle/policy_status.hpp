#pragma once

#include "actors/packet.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace instar {

/// What one comparison of a policy's condition comes to now.
struct policy_measure {
  std::string expression;
  std::string relation; ///< `>`, …
  std::string unit;     ///< what value and threshold are; see `policy_unit`
  double threshold = 0; ///< in seconds, bytes, per second; 1 = 100%
  std::optional<double> value;
  std::string why_not; ///< if there is no value
  std::string text;    ///< for people: `queued(load) is 812, threshold > 200`
  bool holds = false;
};

/// Something that a policy did, or that was done to it.
struct policy_event {
  std::chrono::system_clock::time_point when;
  std::string kind;    ///< there, back: it asked for that; changed, paused, resumed: others did
  std::string asked;   ///< what for
  std::string cause;   ///< measured values, thresholds and for how long; or who
  std::string outcome; ///< committed, …; empty as long as there is none
  std::string reason;  ///< of the outcome
  std::uint64_t transition = 0; ///< its id in the history; 0 if there is none
  epoch_t epoch = 0;
};

/// A policy as it is now.
struct policy_status {
  std::string name;
  std::string place; ///< home, there, elsewhere; empty before the first look
  bool paused = false;
  std::string paused_by;
  std::string rule;  ///< the condition that it goes by now; empty if there is none
  std::string asks;  ///< what for, should that hold
  std::string state; ///< what it waits for, in words
  std::vector<policy_measure> measures;
  std::optional<std::chrono::system_clock::time_point> holds_since;
  std::uint32_t changes = 0; ///< within the last hour
  std::uint32_t per_hour = 0;
  std::uint32_t refusals = 0;       ///< in a row
  std::vector<policy_event> events; ///< the latest ones, oldest first
};

/// Whether a policy was paused or resumed.
struct policy_answer {
  std::string name;
  std::string refusal; ///< why it was not; empty if it was
};

} // namespace instar
