#include "actors/aligner.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace instar {

void marker_aligner::begin(epoch_t epoch, std::vector<bool> expected) {
  assert(epoch_ == 0 && epoch != 0);
  epoch_ = epoch;
  complete_ = false;
  missing_ = static_cast<std::size_t>(std::count(expected.begin(), expected.end(), true));
  delivered_.assign(expected.size(), false);
  expected_ = std::move(expected);
}

marker_aligner::verdict marker_aligner::on_marker(std::size_t arc, epoch_t epoch) {
  if (epoch != epoch_ || !expected_[arc] || delivered_[arc]) return verdict::stale;
  delivered_[arc] = true;
  if (--missing_ > 0) return verdict::waiting;
  complete_ = true;
  return verdict::complete;
}

marker_aligner::verdict marker_aligner::enter(epoch_t epoch) {
  if (epoch != epoch_ || epoch == 0) return verdict::stale;
  if (missing_ > 0) return verdict::waiting;
  complete_ = true;
  return verdict::complete;
}

void marker_aligner::finish() {
  epoch_ = 0;
  complete_ = false;
  missing_ = 0;
}

} // namespace instar
