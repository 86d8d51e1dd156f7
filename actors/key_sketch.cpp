#include "actors/key_sketch.hpp"

#include <algorithm>

namespace instar {

void key_sketch::see(std::uint64_t key) {
  if (++seen_ == memory) {
    seen_ /= 2;
    for (auto& s : slots_) s.count /= 2;
  }
  hottest* room = nullptr;
  for (auto& s : slots_) {
    if (s.count > 0 && s.key == key) {
      ++s.count;
      return;
    }
    if (s.count == 0) room = &s;
  }
  if (room) *room = {key, 1};
  else
    for (auto& s : slots_) --s.count;
}

key_sketch::hottest key_sketch::most() const {
  return *std::max_element(slots_.begin(), slots_.end(),
                           [](const hottest& a, const hottest& b) { return a.count < b.count; });
}

} // namespace instar
