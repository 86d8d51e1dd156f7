#pragma once

#include "actors/status.hpp"
#include "lifecycle/service.hpp"

#include <chrono>
#include <string>
#include <vector>

/// What people read.
namespace instar::instarctl {

/// Rows of cells as aligned lines. The first row is the heading; columns whose name starts with
/// `>` there are aligned to the right.
std::string table(const std::vector<std::vector<std::string>>& rows);

std::string to_text(const service_status& status);
std::string to_text(const std::vector<history_entry>& entries);
std::string to_text(const checkpoint_listing& found);

/// What is said as soon as a transition has its id; nothing for those that get none.
std::string begun_text(std::uint64_t id);

/// Outcome, reason and times of one transition.
std::string outcome_text(const history_entry& entry);

/// `310.0 us`, `4.20 ms`, `1.50 s`.
std::string time_text(std::chrono::nanoseconds time);
/// `1234`, `12.3k`, `4.5M`.
std::string count_text(double n);

} // namespace instar::instarctl
