#pragma once

#include "actors/status.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

namespace instar::instarctl {

/// What is written while one transition is waited for.
///
/// On a terminal one line that is written again and again; else, if wanted, a line for each step
/// that is over and for each new reason to wait. Steps that were too short to be seen are told with
/// the outcome.
class progress {
public:
  enum class style { none, terminal, lines };
  explicit progress(style how, std::size_t columns = 80) : style_(how), columns_(columns) {}

  void begun(std::uint64_t id) { id_ = id; }

  /// What to write now that the service was looked at.
  std::string on_status(const service_status& now);
  /// The same for the outcome.
  std::string on_outcome(const history_entry& entry);

private:
  std::string lines_for(const std::vector<step_time>& steps);
  std::string one_line(const transition_status& now, std::size_t ahead) const;

  const style style_;
  const std::size_t columns_;
  std::uint64_t id_ = 0;
  std::size_t told_ = 0; // steps
  std::string last_;
};

} // namespace instar::instarctl
