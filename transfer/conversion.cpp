#include "transfer/conversion.hpp"

namespace instar {

state conversion::operator()(state from) const {
  if (from.empty()) return from;
  for (const auto& step : steps_) {
    state_reader reader(from);
    state_writer writer(step.to);
    step.convert(reader, writer);
    from = writer.finish();
  }
  return from;
}

} // namespace instar
