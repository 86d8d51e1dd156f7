#pragma once

#include "actors/metrics.hpp"
#include "actors/operator.hpp"
#include "actors/settings.hpp"
#include "meter_state.capnp.h"
#include "services/http/response.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace instar::http {

/// Counts the requests whose responses pass, and has who writes them count how long they took and
/// how many bytes; shows that as own metrics. Put between `compose` and `reply`, also while the
/// service runs. Of several on one way, the last one gets durations and bytes.
///
/// State: the numbers. A successor goes on with the same ones, also for responses that were on
/// their way; after `--restore` with those of the checkpoint.
class meter final : public operator_base {
public:
  static constexpr in_port<response> in{0, "response"};
  static constexpr out_port<response> out{0, "response", response::payload_name, 0};
  static constexpr operator_type type{
      "http.meter",
      1,
      "counts requests, their durations and bytes",
      {in},
      {out},
      capnp::typeId<MeterState>(),
      1,
      {{"buckets", setting_kind::text,
        "100us 250us 500us 1ms 2.5ms 5ms 10ms 25ms 50ms 100ms 250ms 500ms 1s 2.5s 5s 10s", false,
        "upper bounds of the durations that are told apart, ascending"}}};

  explicit meter(const settings& values);

  void on_start(context& ctx) override;
  void on_packet(context& ctx, std::size_t port, packet p) override;
  void save(state_writer& into) const override;
  void restore(context& ctx, state_reader& from) override;

private:
  const std::vector<metric_description> what_;
  std::shared_ptr<own_metrics> counted_;
  metrics::shown shown_;
};

} // namespace instar::http
