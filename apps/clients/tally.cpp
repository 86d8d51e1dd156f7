#include "apps/clients/tally.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace instar::clients {

namespace {

/// To the microsecond.
double milliseconds(std::chrono::nanoseconds time) {
  return std::round(static_cast<double>(time.count()) / 1e3) / 1e3;
}

} // namespace

tally& tally::operator+=(const tally& other) {
  answers += other.answers;
  failed += other.failed;
  reopened += other.reopened;
  longest = std::max(longest, other.longest);
  if (first_failure.empty()) first_failure = other.first_failure;
  for (const auto& [name, value] : other.more) more[name] += value;
  return *this;
}

std::string to_json(const tally& of) {
  nlohmann::ordered_json made{{"answers", of.answers},
                              {"failed", of.failed},
                              {"reopened", of.reopened},
                              {"longest_ms", milliseconds(of.longest)}};
  for (const auto& [name, value] : of.more) made[name] = value;
  return made.dump();
}

std::string to_text(const tally& of) {
  char longest[32];
  std::snprintf(longest, sizeof longest, "%.1f", milliseconds(of.longest));
  auto text = std::to_string(of.answers) + " answers, " + std::to_string(of.failed) + " failed, " +
              std::to_string(of.reopened) + " connections reopened, longest wait " + longest +
              " ms";
  for (const auto& [name, value] : of.more) text += ", " + name + " " + std::to_string(value);
  if (!of.first_failure.empty()) text += "; first failure: " + of.first_failure;
  return text;
}

} // namespace instar::clients
