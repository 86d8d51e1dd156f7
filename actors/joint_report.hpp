#pragma once

#include <cstddef>
#include <mutex>
#include <set>
#include <string>
#include <utility>

namespace instar {

/// Collects the reports of one kind that matter to the supervisor only when the last of them has
/// come, and so wake it once, not once for each operator: it is part of what clients wait for.
///
/// Shared by all that make one and by the supervisor; any thread.
class joint_report {
public:
  /// Of so many operators, each with one report.
  explicit joint_report(std::size_t operators) : missing_(operators) {}

  /// Whether it was the last one: then the caller tells the supervisor.
  bool add(const std::string& name) {
    std::lock_guard lock(guard_);
    return names_.insert(name).second && --missing_ == 0;
  }

  /// Who has reported so far; a moment's value.
  std::set<std::string> names() const {
    std::lock_guard lock(guard_);
    return names_;
  }

private:
  mutable std::mutex guard_;
  std::size_t missing_;
  std::set<std::string> names_;
};

} // namespace instar
