#pragma once

#include "lifecycle/policy_metrics.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

/// The metrics that every service has.
namespace instar::known_metrics {

enum class subject : std::uint8_t { arc_or_operator, arc, op, service, own };

/// Of those that are counted of every operator: which member they are.
using member = std::uint64_t operator_status::*;

struct known_metric {
  std::string_view name;
  subject of;
  policy_unit unit;
  metric_reading::shape shape;
  member value = nullptr;
};

using reading_shape = metric_reading::shape;
inline constexpr std::array all{
    known_metric{"queued", subject::arc_or_operator, policy_unit::count, reading_shape::level},
    known_metric{"credit", subject::arc, policy_unit::count, reading_shape::level},
    known_metric{"wait", subject::op, policy_unit::time, reading_shape::wait,
                 &operator_status::packets_in},
    known_metric{"busy", subject::op, policy_unit::share, reading_shape::counter,
                 &operator_status::busy_ns},
    known_metric{"packets_in", subject::op, policy_unit::rate, reading_shape::counter,
                 &operator_status::packets_in},
    known_metric{"packets_out", subject::op, policy_unit::rate, reading_shape::counter,
                 &operator_status::packets_out},
    known_metric{"events", subject::op, policy_unit::rate, reading_shape::counter,
                 &operator_status::events},
    known_metric{"activations", subject::op, policy_unit::rate, reading_shape::counter,
                 &operator_status::activations},
    known_metric{"blocked", subject::op, policy_unit::rate, reading_shape::counter,
                 &operator_status::blocked},
    known_metric{"errors", subject::op, policy_unit::rate, reading_shape::counter,
                 &operator_status::errors},
    known_metric{"restarts", subject::op, policy_unit::rate, reading_shape::counter,
                 &operator_status::restarts},
    known_metric{"late_answers", subject::op, policy_unit::rate, reading_shape::counter,
                 &operator_status::late_answers},
    known_metric{"entries", subject::op, policy_unit::count, reading_shape::level,
                 &operator_status::entries},
    known_metric{"events_waiting", subject::op, policy_unit::count, reading_shape::level,
                 &operator_status::events_waiting},
    known_metric{"memory", subject::service, policy_unit::bytes, reading_shape::level},
    known_metric{"own", subject::own, policy_unit::count, reading_shape::level},
};

inline const known_metric* find_known(std::string_view name) {
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const known_metric& m) { return m.name == name; });
  return found == all.end() ? nullptr : &*found;
}

} // namespace instar::known_metrics
