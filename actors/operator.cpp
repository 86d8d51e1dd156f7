#include "actors/operator.hpp"

#include <mutex>
#include <utility>
#include <vector>

namespace instar {

payload::~payload() = default;

operator_base::~operator_base() = default;

void leave_behind(operator_base* instance, std::shared_ptr<const void> code) {
  static std::mutex guard;
  // Never destroyed: a thread may still be in it when the process ends.
  static auto& left = *new std::vector<std::pair<operator_base*, std::shared_ptr<const void>>>;
  std::lock_guard lock(guard);
  left.emplace_back(instance, std::move(code));
}

} // namespace instar
