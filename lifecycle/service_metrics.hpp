#pragma once

#include "actors/metrics.hpp"

#include <caf/actor.hpp>

namespace instar {

/// The metrics of one service, asked for as any other question: by a message to its admin actor.
class service_metrics final : public metrics {
public:
  /// Before the first operator runs.
  void attach(caf::actor admin);

  observation look() override;

private:
  caf::actor admin_;
};

} // namespace instar
