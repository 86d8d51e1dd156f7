#include "actors/status.hpp"

#include <cassert>

namespace instar {

const char* to_string(transition_outcome outcome) {
  switch (outcome) {
  case transition_outcome::unchanged:
    return "unchanged";
  case transition_outcome::committed:
    return "committed";
  case transition_outcome::refused:
    return "refused";
  case transition_outcome::rolled_back:
    return "rolled back";
  }
  return "";
}

void duration_histogram::note(std::chrono::nanoseconds took) noexcept {
  std::size_t i = 0;
  while (i < bounds.size() && took > bounds[i]) ++i;
  ++counts[i];
  sum += took;
}

void transition_totals::note(const history_entry& entry) {
  const auto outcome = static_cast<std::size_t>(entry.outcome);
  assert(outcome < by_outcome.size());
  ++by_outcome[outcome];
  if (entry.outcome != transition_outcome::committed) return;
  std::chrono::nanoseconds all{0};
  for (const auto& step : entry.steps) {
    steps[step.step].note(step.took);
    all += step.took;
  }
  whole.note(all);
  mark_to_commit.note(entry.mark_to_commit);
}

} // namespace instar
